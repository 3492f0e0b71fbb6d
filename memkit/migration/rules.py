def found(attempt, outlook): return []
