runConformance()
