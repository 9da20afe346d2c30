using Tulu2.Cli;
using Tulu2.Cli.Shell;
using Tulu2.Runs.Execution;
using Tulu2.Runs.Launch;

// A worker starts many times and knows no other command: past the command line and all that it loads.
if (WorkerEntry.IsMeant(args)) return WorkerEntry.Run(args, CheckpointEvaluator.Around);
using var interrupt = Interrupt.OfProcess();
var code = await TuluCommand.RunAsync(args, Terminal.Standard(), interrupt);
if (interrupt.Code is not null) Interrupt.EndNow(code);
return code;
