"""Commands, streams and files on the fleet's servers, over kept SSH connections with pinned keys."""
