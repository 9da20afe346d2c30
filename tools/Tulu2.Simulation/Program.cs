using Tulu2.Simulation.Commands;

return SimulationCommand.Run(args, Console.Out, Console.Error);
