runNeighbour()
