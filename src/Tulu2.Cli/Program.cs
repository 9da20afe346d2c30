using System.Runtime.InteropServices;
using Tulu2.Cli;
using Tulu2.Cli.Shell;
using Tulu2.Runs.Execution;
using Tulu2.Runs.Launch;
using Tulu2.Runs.Output;

// A worker starts many times and knows no other command: past the command line and all that it loads.
if (WorkerEntry.IsMeant(args)) return WorkerEntry.Run(args, CheckpointEvaluator.Around);
using var interrupt = Interrupt.OfProcess();
var terminal = Terminal.Standard();
if (LaunchedCoordinator.Read(args) is { } launched)
{
    (args, terminal.Launched) = (launched.Command, launched);
    interrupt.Defer(launched.IsWaiting);
    launched.Listen(() => interrupt.Defer(false), () =>
    {
        if (launched.IsWaiting) Interrupt.EndNow(ExitCode.Done);
        interrupt.Hear(PosixSignal.SIGHUP);
    });
}
var code = await TuluCommand.RunAsync(args, terminal, interrupt);
terminal.Launched?.Tidy();
if (interrupt.Code is not null) Interrupt.EndNow(code);
return code;
