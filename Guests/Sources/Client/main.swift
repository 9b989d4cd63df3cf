runClient()
