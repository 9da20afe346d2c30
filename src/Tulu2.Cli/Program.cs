using Tulu2.Cli.Shell;

return await CommandLine.RunAsync(args, Terminal.Standard());
