"""What decides: plain values in, plain values out. No input or output, no clock, no third-party import."""
