"""The edge functions of 0038: of a large pool the longest given are looked at, and statements are short."""
