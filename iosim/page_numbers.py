"""How a page of a file is known to the page cache: by one number (constants apart: see modes.py)."""

FILE_SHIFT = 44  # a page's key is file number << 44 | page number
PAGE_MASK = 0xFFF_FFFF_FFFF
MOST_PAGES = 16  # that one lazy write or flush moves at most: 64 KiB, the usual cluster [M]
