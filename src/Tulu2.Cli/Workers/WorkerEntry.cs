using Tulu2.Collectives.InProcess;
using Tulu2.Training.Workers.Processes;

namespace Tulu2.Cli.Workers;

/// <summary><c>worker --socket PATH</c>: what a node starts for a rank. Not for people, and not in the help.</summary>
internal static class WorkerEntry
{
    private const string Name = "worker";

    /// <summary>How this program is started as a worker.</summary>
    public static WorkerProgram Program => new(ThisProgram.File, [.. ThisProgram.Arguments, Name]);

    public static bool IsMeant(string[] arguments) => arguments is [Name, "--socket", _];

    /// <returns>The exit code.</returns>
    public static int Run(string[] arguments) => WorkerProcess.Run(arguments[2], start => new InProcessDataPlane());
}
