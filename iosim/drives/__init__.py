"""Hardware that keeps data: command slots, who is served next, and how long it takes. Knows no IRP."""
