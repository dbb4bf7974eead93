"""Coming home: what returned copies have that the served ones have not, and keeping paths of them."""
