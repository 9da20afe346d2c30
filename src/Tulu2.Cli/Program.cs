using Tulu2.Cli.Shell;
using Tulu2.Cli.Workers;

// A worker starts many times and knows no other command: past the command line and all that it loads.
return WorkerEntry.IsMeant(args) ? WorkerEntry.Run(args) : await CommandLine.RunAsync(args, Terminal.Standard());
