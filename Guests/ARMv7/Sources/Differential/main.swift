differential()
