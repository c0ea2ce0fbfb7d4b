"""The gate before voice: all that is measured, decided and learned of a frame, in one step of machine code.

With hundreds of calls nothing that a frame needs is in the processor's cache, and what it costs is mostly how many
places in memory it goes to. So all that a call knows of its line lies side by side, as float64, and is handed over as
one argument. The decisions are argued for in ``vad``, the levels in ``bands`` and the learning in ``noise``.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio.kernel import kernel

# Below this lies what G.711 makes of silence: a mu-law sample next to zero is 8, which is -72 dBFS.
QUIETEST_DB = -72.0

# Mean excess of three frames (in units of the noise's unrest) that begins a voice, and that keeps it going: what noise
# has on the average.
BEGIN_EXCESS, KEEP_EXCESS = 2.0, 0.7
# Noise seldom has more, so the floor learns up to here. Two of three frames that have more must begin a voice: one
# alone is a click.
NOISE_EXCESS = 1.2
# What webrtcvad's "no" does to the bar, which keeps swells of a faint hiss out. It is wrong too often to have the last
# word.
DISSENT = 2.0

# Stops within words fall silent for longer; the turn machine's own patience is for those.
HANGOVER_FRAMES = 1
# Louder frames draw the measure of the caller's voice up quickly, then it sinks by 2.5 dB a second, though not below
# that of a caller who is hard to understand. Syllables and final consonants lie within the depth of it, tails of
# reverberation and voices in the background do not.
LOUDNESS_RATE, LOUDNESS_SINKS_DB = 0.1, 0.05
FAINTEST_VOICE_DB, DEPTH_DB = -38.0, 27.0
# A voice that has sunk so far under that measure, or that has hardly more of its own than noise, is dying away in the
# room or in a breath. One that goes on like that for longer than this is somebody who speaks.
FADING_DB, FADING_EXCESS, FADING_FRAMES = -18.0, 1.5, 14
# The clearer the voice stands above the noise, the more an unrest of the noise is forgiven: this part of the distance.
FORGIVEN = 1 / 14
# A line that falls digitally silent is interrupted, and says nothing of the room; from 200 ms on it is the room.
DIGITAL_SILENCE_DB, INTERRUPTION_FRAMES = -85.0, 10
# A memory of 33 frames; while less than that was heard, all frames count the same. Before anything was heard the floor
# could be anywhere near: as if these frames had wavered by this.
LEARNING_RATE, PRIOR_FRAMES, PRIOR_UNREST_DB = 0.03, 3, 5.0
# A crowd wavers by more. But to allow for it would make us deaf to all that is not shouted.
MOST_UNREST_DB = 4.0
# A floor that lies so far over a block is a voice that the call began in the middle of, or noise that has ended.
DROP_DB = 10.0

# 2.5 s. A longer memory finds a little more speech in noise and takes that much longer to get used to other sounds.
BLOCK_FRAMES, BLOCKS = 5, 25
# 200 ms. A fricative can be as steady for 100.
STEADY_BLOCKS = 2
# 3.5 s, from which each frame of noise takes 200 ms, so that a pause between two words is enough. A crowd is looked at
# again after a second of more of it.
CROWD_FRAMES, PAUSE_FRAMES, CROWD_AGAIN_FRAMES = 175, 10, 50

# Where things lie in a call's array: numbers first, then what there is of each band.
BANDS = 4
_VOICED, _HANGOVER, LOUDNESS, _FAINT, _SILENT, LEVEL = 0, 1, 2, 3, 4, 5
_EXCESS, FRAMES, _NOISE_FRAMES, _BUSY_FRAMES, FLOOR_LEVEL = 6, 9, 10, 11, 12
_COEFFICIENTS, _MEMORY, _LEVELS, FLOORS, UNRESTS, _SUMS, _LEAST, _STEADY, RING = 16, 28, 40, 44, 48, 52, 60, 64, 68
_SIZE = RING + 2 * BLOCKS * BANDS

IS_VOICED, FADES, COUNTS, HOLDS_STILL, IS_CROWD = 1, 2, 4, 8, 16
"""Answers of ``judge``: voice; one that dies away; and that the frame tells of the line, as the last blocks may."""


def line(
    coefficients: NDArray[np.float64], least_unrest_db: NDArray[np.float64], steady_db: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The array of a line of which nothing was heard yet; ``bands`` and ``noise`` say what the arguments are."""
    state = np.zeros(_SIZE)
    state[LOUDNESS], state[_SILENT], state[LEVEL] = FAINTEST_VOICE_DB, INTERRUPTION_FRAMES, QUIETEST_DB
    state[_COEFFICIENTS:_MEMORY] = coefficients.ravel()
    state[_LEVELS:FLOORS] = QUIETEST_DB
    state[UNRESTS:_SUMS] = PRIOR_UNREST_DB
    state[_LEAST:_STEADY], state[_STEADY:RING] = least_unrest_db, steady_db
    state[RING:] = -np.inf
    return state


@kernel("int64(const int16[::1], boolean, float64[::1])")
def judge(frame: NDArray[np.int16], is_speech: bool, state: NDArray[np.float64]) -> int:
    """Judge a frame, seeing what webrtcvad says, and learn from it; return flags."""
    levels_db, floor_db, unrest_db = state[_LEVELS:FLOORS], state[FLOORS:UNRESTS], state[UNRESTS:_SUMS]
    coefficients, memory = state[_COEFFICIENTS:_MEMORY].reshape(3, BANDS), state[_MEMORY:_LEVELS].reshape(3, BANDS)
    level_db = state[LEVEL] = measure(frame, coefficients, memory, levels_db, QUIETEST_DB)
    forgiven_db = FORGIVEN * (state[LOUDNESS] - state[FLOOR_LEVEL])
    first, second, third = state[_EXCESS + 1], state[_EXCESS + 2], excess(levels_db, floor_db, unrest_db, forgiven_db)
    state[_EXCESS], state[_EXCESS + 1], state[_EXCESS + 2] = first, second, third
    mean = (first + second + third) / 3
    was_voiced = state[_VOICED] > 0
    bar = KEEP_EXCESS if was_voiced else BEGIN_EXCESS
    if not is_speech:
        bar *= DISSENT
    middle = max(min(first, second), min(max(first, second), third))
    stands_out = mean > bar and (was_voiced or middle > NOISE_EXCESS)
    evident = stands_out and level_db > state[LOUDNESS] - DEPTH_DB
    flags = _hold(evident, third, state)
    state[_SILENT] = state[_SILENT] + 1 if level_db < DIGITAL_SILENCE_DB else 0
    if 0 < state[_SILENT] <= INTERRUPTION_FRAMES:
        return flags
    return flags | COUNTS | _take_in(mean < NOISE_EXCESS and not evident, state)


@kernel("int64(boolean, float64, float64[::1])")
def _hold(evident: bool, newest_excess: float, state: NDArray[np.float64]) -> int:
    """Let voice outlast its evidence by the hangover, and learn how loud it is; return flags."""
    if evident:
        state[_VOICED], state[_HANGOVER] = 1, HANGOVER_FRAMES
    elif state[_HANGOVER] > 0:
        state[_HANGOVER] -= 1
    else:
        state[_VOICED] = 0
    if evident and state[LEVEL] > state[LOUDNESS]:
        state[LOUDNESS] += LOUDNESS_RATE * (state[LEVEL] - state[LOUDNESS])
    else:
        state[LOUDNESS] = max(state[LOUDNESS] - LOUDNESS_SINKS_DB, FAINTEST_VOICE_DB)
    is_faint = state[LEVEL] < state[LOUDNESS] + FADING_DB or newest_excess < FADING_EXCESS
    state[_FAINT] = state[_FAINT] + 1 if is_faint else 0
    fades = 0 < state[_FAINT] <= FADING_FRAMES
    return 0 if state[_VOICED] == 0 else IS_VOICED | FADES if fades else IS_VOICED


@kernel("int64(boolean, float64[::1])")
def _take_in(is_noise: bool, state: NDArray[np.float64]) -> int:
    """Learn the line from the levels of a frame; return flags."""
    levels_db, floor_db, unrest_db = state[_LEVELS:FLOORS], state[FLOORS:UNRESTS], state[UNRESTS:_SUMS]
    sums = state[_SUMS:_LEAST].reshape(2, BANDS)
    if state[FRAMES] == 0:
        floor_db[:] = levels_db
    state[FRAMES] += 1
    if is_noise:
        state[_NOISE_FRAMES] += 1
        state[_BUSY_FRAMES] = max(state[_BUSY_FRAMES] - PAUSE_FRAMES, 0.0)
    else:
        state[_BUSY_FRAMES] += 1
    rate = max(1 / (state[_NOISE_FRAMES] + PRIOR_FRAMES), LEARNING_RATE)
    state[FLOOR_LEVEL] = learn(levels_db, floor_db, unrest_db, state[_LEAST:_STEADY], rate, is_noise, sums)
    count = int(state[FRAMES])
    if count % BLOCK_FRAMES:
        return 0
    ring, newest = state[RING:].reshape(2, BLOCKS, BANDS), (count // BLOCK_FRAMES - 1) % BLOCKS
    wavers = close_block(sums, ring, newest, state[_STEADY:RING], floor_db)
    state[FLOOR_LEVEL] = together(floor_db)
    flags = HOLDS_STILL if count >= STEADY_BLOCKS * BLOCK_FRAMES and not is_noise and wavers <= 1 else 0
    if state[_BUSY_FRAMES] >= CROWD_FRAMES:
        state[_BUSY_FRAMES] -= CROWD_AGAIN_FRAMES
        flags |= IS_CROWD
    return flags


@kernel("float64(const int16[::1], float64[:, ::1], float64[:, ::1], float64[::1], float64)")
def measure(
    frame: NDArray[np.int16],
    coefficients: NDArray[np.float64],
    memory: NDArray[np.float64],
    levels_db: NDArray[np.float64],
    quietest_db: float,
) -> float:
    gain, first, second = coefficients
    near, far, energy = memory
    bands = gain.size
    energy[:] = 0.0
    for sample in frame:
        # Transposed direct form II; the bands in the inner loop, where they run side by side.
        for band in range(bands):
            driven = gain[band] * sample
            out = driven + near[band]
            near[band] = far[band] - first[band] * out
            far[band] = -driven - second[band] * out
            energy[band] += out * out
    total = 1e-12
    for band in range(bands):
        power = energy[band] / (frame.size * 32768.0 * 32768.0)
        total += power
        levels_db[band] = max(10.0 * math.log10(power + 1e-12), quietest_db)
        # A filter that rings out for a second comes to numbers so small that the processor handles them by trap.
        if power < 1e-20:
            near[band] = far[band] = 0.0
    return 10.0 * math.log10(total)


@kernel("float64(float64[::1], float64[::1], float64[::1], float64)")
def excess(
    levels_db: NDArray[np.float64],
    floor_db: NDArray[np.float64],
    unrest_db: NDArray[np.float64],
    least_unrest_db: float,
) -> float:
    total = 0.0
    for band in range(levels_db.size):
        over = (levels_db[band] - floor_db[band]) / max(unrest_db[band], least_unrest_db)
        total += max(over, 0.0) ** 2
    return float(np.sqrt(total / levels_db.size))


@kernel("float64(float64[::1])")
def together(levels_db: NDArray[np.float64]) -> float:
    power = 0.0
    for level in levels_db:
        power += 10.0 ** (level / 10.0)
    return float(10.0 * np.log10(power))


@kernel("float64(float64[::1], float64[::1], float64[::1], float64[::1], float64, boolean, float64[:, ::1])")
def learn(
    levels_db: NDArray[np.float64],
    floor_db: NDArray[np.float64],
    unrest_db: NDArray[np.float64],
    least_unrest_db: NDArray[np.float64],
    rate: float,
    is_noise: bool,
    sums: NDArray[np.float64],
) -> float:
    """Move floor and unrest, add up the levels, and return the floor of all bands together."""
    # A Gaussian's standard deviation over its mean departure.
    spread = np.sqrt(np.pi / 2)
    for band in range(levels_db.size):
        departure = levels_db[band] - floor_db[band]
        if is_noise or departure < 0:
            floor_db[band] += rate * departure
        if is_noise:
            wavered = unrest_db[band] + rate * (spread * abs(departure) - unrest_db[band])
            unrest_db[band] = min(max(wavered, least_unrest_db[band]), MOST_UNREST_DB)
        sums[0, band] += levels_db[band]
        sums[1, band] += levels_db[band] ** 2
    return together(floor_db)


@kernel("float64(float64[:, ::1], float64[:, :, ::1], int64, float64[::1], float64[::1])")
def close_block(
    sums: NDArray[np.float64],
    blocks: NDArray[np.float64],
    newest: int,
    steady_db: NDArray[np.float64],
    floor_db: NDArray[np.float64],
) -> float:
    """Put the sums into the ring as means, raise the floor to the quietest block or let it drop to the newest.

    Return the greatest deviation of a band over the last blocks, in units of its ``steady_db``, if there are so many.
    """
    means, squares = blocks
    most = 0.0
    for band in range(floor_db.size):
        means[newest, band] = sums[0, band] / BLOCK_FRAMES
        squares[newest, band] = sums[1, band] / BLOCK_FRAMES
        sums[0, band] = sums[1, band] = 0.0
        floor_db[band] = max(floor_db[band], means[:, band].min())
        mean = square = 0.0
        for age in range(STEADY_BLOCKS):
            mean += means[newest - age, band] / STEADY_BLOCKS
            square += squares[newest - age, band] / STEADY_BLOCKS
        most = max(most, (square - mean * mean) / steady_db[band] ** 2)
    if (means[newest] - floor_db).mean() < -DROP_DB:
        floor_db[:] = means[newest]
    return float(np.sqrt(most))
