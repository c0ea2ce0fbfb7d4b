"""Slow, obvious twins of fast code, for the property tests."""

from __future__ import annotations

import cmath
import hashlib
import itertools
import math
import statistics
from collections.abc import Iterable, Sequence
from fractions import Fraction

# The carrier's play queue, one sample at a time.


class PlayQueue:
    """Samples (never 0) and marks in a line; each step of time plays one sample, or silence if none is there."""

    def __init__(self, returns_marks_on_clear: bool) -> None:
        self.returns_marks_on_clear = returns_marks_on_clear
        self.queue: list[int | str] = []
        self.heard: list[int] = []
        self.reached: list[tuple[str, int]] = []
        self.said: list[str] = []
        """Names of marks, and an empty string for each acknowledged clear."""

    def play(self, samples: int) -> None:
        for _ in range(samples):
            head = self.queue.pop(0) if self.queue else 0
            assert isinstance(head, int)
            self.heard.append(head)
            self._reach()

    def append(self, samples: Iterable[int]) -> None:
        self.queue += samples

    def mark(self, name: str) -> None:
        self.queue.append(name)
        self._reach()

    def clear(self) -> None:
        marks = [entry for entry in self.queue if isinstance(entry, str)]
        self.queue.clear()
        self.said += ["", *(marks if self.returns_marks_on_clear else [])]

    def _reach(self) -> None:
        while self.queue and isinstance(self.queue[0], str):
            name = self.queue.pop(0)
            assert isinstance(name, str)
            self.reached.append((name, len(self.heard)))
            self.said.append(name)


# turn/playout: what the ledger works out, done sample by sample and word by word.


class Earpiece:
    """A caller who is ``way`` samples away: what is sent arrives, and marks come back, so much later.

    A sample is its position in what is said, from 1; -1 is one that is not a part of that.
    """

    def __init__(self, way: int = 0) -> None:
        self.way = way
        self.now = 0
        """Samples since the beginning."""
        self.position = 0
        """Position heard last."""
        self.holes: list[int] = []
        """The position at the beginning of each silence after the first audio."""
        self.queue = PlayQueue(returns_marks_on_clear=False)
        self._coming: list[tuple[int, list[int] | str | None]] = []

    def send(self, what: list[int] | str | None) -> None:
        """Audio, a mark's name, or ``None`` to clear."""
        self._coming.append((self.now + self.way, what))
        self._arrive()

    def play(self) -> None:
        """One sample's time passes."""
        self.queue.play(1)
        if self.queue.heard[-1] > 0:
            self.position = self.queue.heard[-1]
        elif self.queue.heard[-1] == 0 and self.position and (not self.holes or self.holes[-1] != self.position):
            self.holes.append(self.position)
        self.now += 1
        self._arrive()

    def returned(self) -> list[str]:
        """Marks that came back by now, in order."""
        return [name for name, at in self.queue.reached if at + self.way <= self.now]

    def waiting(self) -> list[int]:
        """Samples that lie at the carrier."""
        return [entry for entry in self.queue.queue if isinstance(entry, int)]

    def heard(self) -> list[int]:
        """All that was heard of what is said."""
        return [sample for sample in self.queue.heard if sample > 0]

    def _arrive(self) -> None:
        while self._coming and self._coming[0][0] <= self.now:
            _, what = self._coming.pop(0)
            if what is None:
                self.queue.clear()
            elif isinstance(what, str):
                self.queue.mark(what)
            else:
                self.queue.append(what)


def words_heard(text: str, samples: int, heard_samples: int) -> str:
    """The words of a phrase whose last letter was spoken, when every letter takes as long as every other."""
    spoken: list[str] = []
    letters = 0
    for word in text.split(" "):
        letters += len(word)
        if letters * samples > heard_samples * len(text):
            break
        spoken.append(word)
        letters += 1
    return " ".join(spoken)


def word_begin(text: str, samples: int, heard_samples: int) -> int:
    """Samples before the word that is being spoken, when every letter takes as long as every other."""
    letters = 0
    for word in text.split(" "):
        if letters * samples <= heard_samples * len(text) < (letters + len(word)) * samples:
            return letters * samples // len(text)
        letters += len(word) + 1
    return heard_samples


def die_away(codes: Sequence[int]) -> bytes:
    """Mu-law samples with half a wave of a cosine laid over them, from 1 to 0."""
    pcm = decode_ulaw(bytes(codes))
    gains = [(1 + math.cos(math.pi * (place + 0.5) / len(pcm))) / 2 for place in range(len(pcm))]
    return encode_ulaw([round(sample * gain) for sample, gain in zip(pcm, gains, strict=True)])


def begin_softly(codes: Sequence[int]) -> bytes:
    """The same from 0 to 1."""
    return die_away(codes[::-1])[::-1]


# turn/bands and turn/noise: a caller's frame, number by number.


def band_levels_db(frames: Iterable[Iterable[int]], rate_hz: int, edges_hz: Sequence[float]) -> list[list[float]]:
    """Levels of each frame's bands, dBFS, by the textbook's band-pass: bilinear, with pre-warped edges."""
    signal = [[sample / 32768 for sample in frame] for frame in frames]
    levels: list[list[float]] = [[] for _ in signal]
    for low_hz, high_hz in itertools.pairwise(edges_hz):
        low, high = (math.tan(math.pi * edge_hz / rate_hz) for edge_hz in (low_hz, high_hz))
        a0, a1, a2 = 1 + high - low + low * high, 2 * low * high - 2, 1 - high + low + low * high
        x1 = x2 = y1 = y2 = 0.0
        for frame, levels_db in zip(signal, levels, strict=True):
            energy = 0.0
            for x0 in frame:
                y0 = ((high - low) * (x0 - x2) - a1 * y1 - a2 * y2) / a0
                x1, x2, y1, y2 = x0, x1, y0, y1
                energy += y0 * y0
            levels_db.append(10 * math.log10(energy / len(frame) + 1e-12))
    return levels


def periodicity(samples: Sequence[float], lags: range) -> float:
    """The best likeness of a signal to itself, after it was first unlike itself."""
    mean = sum(samples) / len(samples)
    centred = [sample - mean for sample in samples]
    likeness = []
    for lag in range(1, lags.stop):
        pairs = [(centred[place], centred[place - lag]) for place in range(lag, len(centred))]
        energy = sum(a * a + b * b for a, b in pairs)
        likeness.append(2 * sum(a * b for a, b in pairs) / energy if energy else 0.0)
    unlike = next((place for place, value in enumerate(likeness) if value < 0), len(likeness))
    return max([0.0, *likeness[max(unlike, lags.start - 1) :]])


def excess(levels: Sequence[float], floor: Sequence[float], unrest: Sequence[float]) -> float:
    """Root mean square of how far levels stand out of a floor."""
    over = [(a - b) / c for a, b, c in zip(levels, floor, unrest, strict=True)]
    return math.sqrt(sum(max(each, 0) ** 2 for each in over) / len(over))


class Floor:
    """A noise floor of bands that remembers every frame; it is told when the sound has the period of a voice."""

    RATE, PRIOR_FRAMES, BLOCK, BLOCKS, STEADY_BLOCKS, CROWD, PAUSE, AGAIN = 0.03, 3, 5, 25, 2, 175, 10, 50

    def __init__(self, gaussian_db: Sequence[float]) -> None:
        self.gaussian_db = gaussian_db
        self.history: list[Sequence[float]] = []
        self.noise_frames = self.busy_frames = 0
        self.floor: list[float] = []
        self.unrest = [5.0 for _ in gaussian_db]

    def learn(self, levels: Sequence[float], is_noise: bool, is_periodic: bool) -> None:
        self.floor = self.floor or list(levels)
        self.history.append(levels)
        self.noise_frames += is_noise
        self.busy_frames = max(self.busy_frames - self.PAUSE, 0) if is_noise else self.busy_frames + 1
        self._follow(levels, is_noise, max(1 / (self.noise_frames + self.PRIOR_FRAMES), self.RATE))
        if len(self.history) % self.BLOCK == 0:
            self._rest()
            if not is_noise and not is_periodic:
                self._settle()
            if self.busy_frames >= self.CROWD:
                self.busy_frames -= self.AGAIN
                self._crowd()

    def _follow(self, levels: Sequence[float], is_noise: bool, rate: float) -> None:
        for band, level in enumerate(levels):
            departure = level - self.floor[band]
            if is_noise:
                unrest = (1 - rate) * self.unrest[band] + rate * abs(departure) * math.sqrt(math.pi / 2)
                self.unrest[band] = self._likely(unrest, band)
            if is_noise or departure < 0:
                self.floor[band] += rate * departure

    def _likely(self, unrest: float, band: int) -> float:
        return min(max(unrest, 0.8 * self.gaussian_db[band]), 4.0)

    def _blocks(self, band: int) -> list[float]:
        """Means of the last blocks; empty when there are not so many."""
        starts = range(len(self.history) - self.BLOCK * self.BLOCKS, len(self.history), self.BLOCK)
        if starts.start < 0:
            return []
        return [statistics.fmean(levels[band] for levels in self.history[start:][: self.BLOCK]) for start in starts]

    def _rest(self) -> None:
        self.floor = [max(floor, min(self._blocks(band), default=floor)) for band, floor in enumerate(self.floor)]
        newest = [statistics.fmean(band) for band in zip(*self.history[-self.BLOCK :], strict=True)]
        if statistics.fmean(newest) < statistics.fmean(self.floor) - 10:
            self.floor = newest

    def _settle(self) -> None:
        last = self.history[-self.BLOCK * self.STEADY_BLOCKS :]
        bands = list(zip(*last, strict=True))
        steady = all(
            statistics.pstdev(band) <= 1.3 * usual for band, usual in zip(bands, self.gaussian_db, strict=True)
        )
        if len(last) == self.BLOCK * self.STEADY_BLOCKS and steady:
            self.floor = [statistics.fmean(band) for band in bands]

    def _crowd(self) -> None:
        for band in range(len(self.floor)):
            blocks = self._blocks(band)
            self.floor[band] = (statistics.fmean(blocks) + min(blocks)) / 2
            heard = [levels[band] for levels in self.history[-self.BLOCK * self.BLOCKS :]]
            self.unrest[band] = self._likely(statistics.pstdev(heard), band)


# audio/G.711, after the reference code of ITU-T G.191.


def decode_ulaw(payload: bytes) -> list[int]:
    """ITU-T G.191 ``ulaw_expand``."""
    samples = []
    for code in payload:
        sign = -1 if code < 0x80 else 1
        mantissa = ~code
        exponent = (mantissa >> 4) & 7
        mantissa &= 15
        step = 4 << (exponent + 1)
        samples.append(sign * ((0x80 << exponent) + step * mantissa + step // 2 - 4 * 33))
    return samples


def encode_ulaw(pcm: Sequence[int]) -> bytes:
    """ITU-T G.191 ``ulaw_compress``."""
    codes = bytearray()
    for sample in pcm:
        magnitude = min(((~sample if sample < 0 else sample) >> 2) + 33, 0x1FFF)
        segment = 1
        rest = magnitude >> 6
        while rest:
            segment += 1
            rest >>= 1
        high = 8 - segment
        low = 15 - ((magnitude >> segment) & 15)
        codes.append(high << 4 | low | (0x80 if sample >= 0 else 0))
    return bytes(codes)


def decode_alaw(payload: bytes) -> list[int]:
    """ITU-T G.191 ``alaw_expand``."""
    samples = []
    for code in payload:
        rest = (code ^ 0x55) & 0x7F
        exponent, mantissa = rest >> 4, rest & 15
        if exponent > 0:
            mantissa += 16
        mantissa = (mantissa << 4) + 8
        if exponent > 1:
            mantissa <<= exponent - 1
        samples.append(mantissa if code > 127 else -mantissa)
    return samples


def encode_alaw(pcm: Sequence[int]) -> bytes:
    """ITU-T G.191 ``alaw_compress``."""
    codes = bytearray()
    for sample in pcm:
        code = (~sample if sample < 0 else sample) >> 4
        if code > 15:
            exponent = 1
            while code > 16 + 15:
                code >>= 1
                exponent += 1
            code += (exponent << 4) - 16
        codes.append((code | (0x80 if sample >= 0 else 0)) ^ 0x55)
    return bytes(codes)


# audio/level.


def saturated(sample: int) -> int:
    return min(max(sample, -32768), 32767)


def level_db(pcm: Sequence[int]) -> float:
    energy = sum(sample * sample for sample in pcm)
    return max(-96.0, 10 * math.log10(energy / len(pcm) / 32768**2)) if energy else -96.0


def fade(pcm: Sequence[int], from_gain: float, to_gain: float) -> list[int]:
    step = (to_gain - from_gain) / max(len(pcm), 1)
    return [saturated(round(sample * (from_gain + step * i))) for i, sample in enumerate(pcm)]


def mix(a: Sequence[int], b: Sequence[int]) -> list[int]:
    return [saturated(x + y) for x, y in zip(a, b, strict=True)]


# audio/resampling.


def resample(pcm: Sequence[int], from_hz: int, to_hz: int, reach: int, phases: Sequence[Sequence[int]]) -> list[int]:
    """Filter a whole stream at once; a phase's coefficients are in units of 2**-14."""
    out = []
    for j in range(round(Fraction(len(pcm) * to_hz, from_hz))):
        place = Fraction(j * from_hz, to_hz)
        whole = math.floor(place)
        phase = phases[int((place - whole) * len(phases))]
        total = 0
        for k, coefficient in enumerate(phase):
            at = whole - reach + 1 + k
            total += coefficient * (pcm[at] if 0 <= at < len(pcm) else 0)
        out.append(saturated(math.floor(Fraction(total, 1 << 14) + Fraction(1, 2))))
    return out


# audio/concealment.


def period(past: Sequence[int], shortest: int, longest: int, compared: int, stride: int) -> int:
    """The lag at which the end of the past is most like itself; the longest when it is like itself at none."""
    places = range(len(past) - compared, len(past), stride)

    def likeness(lag: int) -> float:
        energy = 1 + sum(past[i - lag] ** 2 for i in places)
        return sum(past[i] * past[i - lag] for i in places) / math.sqrt(energy)

    best = max(range(shortest, longest + 1), key=likeness)
    return best if likeness(best) > 0 else longest


def repeat(piece: Sequence[int], step: int, start: int, seam: int, full: int, silent: int, length: int) -> list[int]:
    """A piece over and over, a step worn away over its first ``seam`` samples, fading from ``full`` to ``silent``."""
    samples = []
    for at in range(start, start + length):
        gain = min(max(silent - at, 0) / (silent - full), 1.0)
        worn = step * max(seam - at, 0) / seam
        samples.append(saturated(round((piece[at % len(piece)] + worn) * gain)))
    return samples


# audio/pitch: every path through every peak, one product at a time.


def pitch_peaks(
    pcm: Sequence[float], lags: range, compared: int, octave_cost: float
) -> list[tuple[float, float, float]]:
    """Period, height and worth of the peaks at the end of the samples, and of having none; the five of most worth."""
    mean = sum(pcm) / len(pcm)
    padded = [pcm[0], *pcm, pcm[-1]]
    smooth = [(padded[i] + 2 * padded[i + 1] + padded[i + 2]) / 4 - mean for i in range(len(pcm))]
    places = range(len(smooth) - compared, len(smooth))

    def likeness(lag: int) -> float:
        now, then = (sum(smooth[i - back] ** 2 for i in places) + 4 * compared for back in (0, lag))
        return sum(smooth[i] * smooth[i - lag] for i in places) / math.sqrt(now * then)

    curve = [likeness(lag) for lag in range(lags[-1] + 2)]
    peaks = [(0.0, 0.0, 0.0)]
    for lag in lags:
        left, here, right = curve[lag - 1 : lag + 2]
        if left <= here > right and min(curve[: lag + 1]) < 0:
            shift = (left - right) / (left - 2 * here + right) / 2
            height = here - (left - right) * shift / 4
            peaks.append((lag + shift, min(height, 1.0), height - octave_cost * math.log2(lag / lags[0])))
    return sorted((peak for peak in peaks if peak[2] >= 0), key=lambda peak: -peak[2])[:5]


def pitch_track(hops: Sequence[Sequence[tuple[float, float, float]]], jump_cost: float) -> list[tuple[float, float]]:
    """Period and height at each hop along the path of most worth."""

    def worth(path: Sequence[tuple[float, float, float]]) -> float:
        total = sum(peak[2] for peak in path)
        for (before, height_before, _), (period, height, _) in itertools.pairwise(path):
            if before and period:
                total -= jump_cost * abs(math.log2(period / before)) * min(height, height_before)
        return total

    return [(period, height) for period, height, _ in max(itertools.product(*hops), key=worth)]


# audio/correlate.


def scores(
    frames: Sequence[Sequence[int]], references: Sequence[Sequence[int]], keeps: Sequence[float], least: float
) -> tuple[float, float]:
    """The best score of all frames, and that of the last alone, over every place in the references."""
    size = len(frames[0])
    places = range(len(references[0]) - size + 1)
    all_best = last_best = 0.0
    for place in places:
        product = energy = own = 0.0
        for frame, reference, keep in zip(frames, references, keeps, strict=True):
            compared = reference[place : place + size]
            frame_product = sum(a * b for a, b in zip(frame, compared, strict=True))
            frame_energy, frame_own = sum(b * b for b in compared), sum(a * a for a in frame)
            product = product * keep + frame_product
            energy = energy * keep + frame_energy
            own = own * keep + frame_own
        if energy > least:
            all_best = max(all_best, product**2 / energy / max(own, 1.0))
        if frame_energy > least:
            last_best = max(last_best, frame_product**2 / frame_energy / max(frame_own, 1))
    return all_best, last_best


def filtered(pcm: Sequence[int], coefficients: Sequence[float], step: int, limit: int) -> list[int]:
    """The sum of coefficients times samples, from every so many samples on, clipped."""
    starts = range(0, len(pcm) - len(coefficients) + 1, step)
    sums = (sum(c * pcm[start + k] for k, c in enumerate(coefficients)) for start in starts)
    return [min(max(round(total), -limit), limit) for total in sums]


# turn/played.


class Axis:
    """Sound by position, a sample at a time, in a dictionary."""

    def __init__(self) -> None:
        self.sounds: dict[int, int] = {}

    def play(self, start: int, samples: Sequence[int]) -> None:
        self.cut(start)
        self.sounds.update(enumerate(samples, start))

    def cut(self, start: int) -> None:
        self.sounds = {place: sample for place, sample in self.sounds.items() if place < start}

    def between(self, start: int, end: int) -> list[int]:
        return [self.sounds.get(place, 0) for place in range(start, end)]


# audio/spectrum: two discrete Fourier transforms, bin by bin.


def spectrum(pcm: Sequence[int], points: int, apart: int, bins: range) -> tuple[float, float]:
    """Part of the power on the two strongest peaks, and the mean deviation of the change of the strong bins."""

    def power(samples: Sequence[int], k: int) -> float:
        windowed = [x * (0.5 - 0.5 * math.cos(2 * math.pi * i / (points - 1))) for i, x in enumerate(samples)]
        turned = [x * cmath.exp(-2j * math.pi * i * k / points) for i, x in enumerate(windowed)]
        return abs(sum(turned)) ** 2 + 100

    now = {k: power(pcm[-points:], k) for k in bins}
    then = {k: power(pcm[-points - apart : -apart], k) for k in bins}
    first = max(now, key=now.__getitem__)
    second = max((k for k in bins if abs(k - first) > 2), key=now.__getitem__)
    held = sum(now[k] for k in bins if min(abs(k - first), abs(k - second)) <= 2)
    changes = [10 * math.log10(now[k] / then[k]) for k in bins if now[k] > now[first] * 10**-2.5]
    mean = statistics.mean(changes)
    return held / sum(now.values()), statistics.mean(abs(change - mean) for change in changes)


# wire/ed25519: keys and signatures made by the letter of RFC 8032, in plain fractions of the field.

_FIELD = 2**255 - 19
_GROUP = 2**252 + 27742317777372353535851937790883648493


def _over(numerator: int, denominator: int) -> int:
    return numerator * pow(denominator, -1, _FIELD) % _FIELD


_BASE_POINT = (
    15112221349535400772501151409588531511454012693041857206046113283949847762202,
    46316835694926478169428394003475163141307993866256225615783033603165251855960,
)


def _plus(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    """Section 5.1, affine."""
    (x1, y1), (x2, y2) = one, other
    product = _over(-121665, 121666) * x1 * x2 * y1 * y2 % _FIELD
    return _over(x1 * y2 + x2 * y1, 1 + product), _over(y1 * y2 + x1 * x2, 1 - product)


def _times(factor: int, point: tuple[int, int]) -> bytes:
    total = (0, 1)
    while factor:
        if factor & 1:
            total = _plus(total, point)
        point = _plus(point, point)
        factor >>= 1
    return (total[1] | (total[0] & 1) << 255).to_bytes(32, "little")


def _scalar(secret: bytes) -> int:
    half = bytearray(hashlib.sha512(secret).digest()[:32])
    half[0] &= 0xF8
    half[31] = half[31] & 0x7F | 0x40
    return int.from_bytes(half, "little")


def public_key_ed25519(secret: bytes) -> bytes:
    """Section 5.1.5."""
    return _times(_scalar(secret), _BASE_POINT)


def sign_ed25519(secret: bytes, message: bytes) -> bytes:
    """Section 5.1.6."""
    prefix = hashlib.sha512(secret).digest()[32:]
    nonce = int.from_bytes(hashlib.sha512(prefix + message).digest(), "little") % _GROUP
    commitment = _times(nonce, _BASE_POINT)
    challenge = hashlib.sha512(commitment + public_key_ed25519(secret) + message).digest()
    answer = (nonce + int.from_bytes(challenge, "little") * _scalar(secret)) % _GROUP
    return commitment + answer.to_bytes(32, "little")


# The end of a stretch of voice.


class VoiceRange:
    """Pitches by half semitones over 60 Hz, the older counting for less."""

    def __init__(self) -> None:
        self.counts = [0.0] * 67

    def learn(self, octaves: list[float]) -> None:
        self.counts = [count * 0.999 ** len(octaves) for count in self.counts]
        for octave in octaves:
            self.counts[min(max(int((octave - math.log2(60)) * 24), 0), 66)] += 1

    def medians(self) -> tuple[float, float]:
        """The least and the greatest that may be called so, where half of the counts lie to either side of a gap."""
        below = [sum(self.counts[: place + 1]) for place in range(67)]
        least, most = (
            next(place for place in range(67) if below[place] >= half)
            for half in (below[-1] * 0.499999, below[-1] * 0.500001)
        )
        # A pitch on the edge of a place may be counted to the next.
        return math.log2(60) + (least - 0.6) / 24, math.log2(60) + (most + 1.6) / 24


def cues(stretch: list[tuple[float, float, float]], voices: VoiceRange, median: float) -> tuple[float, ...] | None:
    """Height, fade, firmness, pace and rise of the end of a track of pitch, strength and level every 10 ms."""
    pitched = [hop for hop, (f0_hz, _, _) in enumerate(stretch) if f0_hz]
    if len(pitched) < 10:
        return None
    octaves = [math.log2(stretch[hop][0]) for hop in pitched]
    strengths, levels = [stretch[hop][1] for hop in pitched], [stretch[hop][2] for hop in pitched]
    voices.learn(octaves)
    height = _part(octaves[-5:], 0.5) - median
    paces = stretch[max(pitched[-1] - 40, 0) : pitched[-1] + 1]
    rise = statistics.linear_regression(pitched[-20:], octaves[-20:]).slope * 100
    return (
        min(max(height, -1.0), 1.0),
        statistics.fmean(levels[-10:]) - _part([level for _, _, level in stretch], 0.9),
        statistics.fmean(strengths[-5:]) - _part(strengths, 0.5),
        statistics.fmean(abs(after[2] - before[2]) for before, after in itertools.pairwise(paces)),
        rise,
    )


def _part(values: list[float], part: float) -> float:
    return sorted(values)[int(part * (len(values) - 1))]
