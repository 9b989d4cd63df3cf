runHostile()
