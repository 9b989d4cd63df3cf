import HostCommands

PocketvisorCommand.main()
