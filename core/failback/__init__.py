"""Coming home: what a returned copy has that the served one has not, what may be kept, and what people see."""
