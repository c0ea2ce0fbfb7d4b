"""mediasrv: a media server that puts AI voice agents on the telephone."""
