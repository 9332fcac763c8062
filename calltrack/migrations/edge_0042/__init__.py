"""The edge functions of 0042: of a large pool the longest given are looked at, and statements are short."""
