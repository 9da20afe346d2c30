using System.Globalization;

namespace Tulu2.Runs.Chaos;

/// <summary>What is done to a process.</summary>
internal enum ChaosKind
{
    /// <summary>SIGKILL.</summary>
    Kill,

    /// <summary>SIGTERM.</summary>
    Terminate,

    /// <summary>SIGSTOP, and SIGCONT after a while.</summary>
    Stop,

    /// <summary>SIGSTOP and SIGCONT in turns.</summary>
    Slow,
}

/// <summary>The processes of a run on this machine, by what they do.</summary>
internal enum ChaosRole
{
    /// <summary>A worker process, with a rank or a spare one.</summary>
    Worker,

    /// <summary>The process that coordinates the run, or the one that is ready to take over.</summary>
    Coordinator,

    /// <summary>A node process of <c>--nodes</c>.</summary>
    Node,

    /// <summary>The process that was typed. The run ends with it, and is resumed.</summary>
    Launcher,
}

/// <summary>When a fault happens.</summary>
internal abstract record ChaosMoment
{
    private ChaosMoment() { }

    /// <summary>After the commit of a step.</summary>
    public sealed record AtStep(int Step) : ChaosMoment
    {
        public override string ToString() => $"at step {Step}";
    }

    /// <summary>At random moments while the run makes steps, with so many seconds between them on average.</summary>
    public sealed record Every(double Seconds) : ChaosMoment
    {
        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"every {Seconds} s");
    }

    /// <summary>Within 0.3 s after another fault, before a step is committed.</summary>
    public sealed record DuringRecovery : ChaosMoment
    {
        public override string ToString() => "during a recovery";
    }
}

/// <summary>One rule of a fault file.</summary>
/// <param name="Times">Most times that it happens.</param>
/// <param name="Seconds">How long a process is stopped or slow.</param>
/// <param name="Share">Of its time that a slow process is stopped.</param>
internal sealed record ChaosFault(ChaosKind Kind, ChaosRole Role, ChaosMoment When, int Times = int.MaxValue, double Seconds = 0, double Share = 0)
{
    public string What => $"{Kind.ToString().ToLowerInvariant()} {Role.ToString().ToLowerInvariant()}";
}

/// <summary>Rules in words: <c>Faults.Kill(ChaosRole.Worker).AtStep(5)</c>. Equal to what a fault file says in the same words.</summary>
internal static class Faults
{
    /// <summary>What is done where no file says anything: everything that a run is to survive without a step made again, several times a minute.</summary>
    public static IReadOnlyList<ChaosFault> Usual { get; } =
    [
        Kill(ChaosRole.Worker).Every(4), Kill(ChaosRole.Coordinator).Every(10), Kill(ChaosRole.Node).Every(15), Terminate(ChaosRole.Worker).Every(10),
        Stop(ChaosRole.Worker, seconds: 1).Every(15), Kill(ChaosRole.Worker).DuringRecovery(),
    ];

    public static ChaosFault Kill(ChaosRole role) => new(ChaosKind.Kill, role, new ChaosMoment.Every(5));

    public static ChaosFault Terminate(ChaosRole role) => new(ChaosKind.Terminate, role, new ChaosMoment.Every(5));

    public static ChaosFault Stop(ChaosRole role, double seconds) => new(ChaosKind.Stop, role, new ChaosMoment.Every(5), Seconds: seconds);

    public static ChaosFault Slow(ChaosRole role, double seconds, double share = 0.5) => new(ChaosKind.Slow, role, new ChaosMoment.Every(5), Seconds: seconds, Share: share);

    public static ChaosFault AtStep(this ChaosFault fault, int step) => fault with { When = new ChaosMoment.AtStep(step), Times = 1 };

    public static ChaosFault Every(this ChaosFault fault, double seconds, int times = int.MaxValue) => fault with { When = new ChaosMoment.Every(seconds), Times = times };

    public static ChaosFault DuringRecovery(this ChaosFault fault, int times = int.MaxValue) => fault with { When = new ChaosMoment.DuringRecovery(), Times = times };
}
