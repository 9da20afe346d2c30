using System.Collections.Immutable;
using Akka.Actor;
using Tulu2.Protocol.Events;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Outcomes;

namespace Tulu2.Cluster.Messages;

/// <summary>Messages between a run and its parts. <see cref="Fatal"/>, <see cref="StopRanks"/> and <see cref="RanksStopped"/> may cross nodes.</summary>
internal static class RunProtocol
{
    /// <summary>Finish the step and stop.</summary>
    public sealed record StopRun : INoSerializationVerificationNeeded
    {
        public static StopRun Instance { get; } = new();
    }

    /// <summary>The run is to have this many replicas.</summary>
    public sealed record Scale(int Data) : INoSerializationVerificationNeeded;

    /// <summary>Supervisor of the gradient sync, by way of the run, to whoever has its ranks: there are this many now, and each gets a worker.</summary>
    public sealed record Resize(int Ranks) : INoSerializationVerificationNeeded;

    /// <summary>In the same way: the trainers of these ranks were told to end.</summary>
    public sealed record RanksReleased(ImmutableArray<Rank> Ranks) : INoSerializationVerificationNeeded;

    /// <summary>To the run: an event, which the ledger has already received.</summary>
    public sealed record Happened(RunEvent Event) : INoSerializationVerificationNeeded;

    /// <summary>Supervisor of the gradient sync to the run: the run has ended.</summary>
    public sealed record Ended(SyncEffect.Finished Finished) : INoSerializationVerificationNeeded;

    /// <summary>To the run, possibly from another node: a part of it cannot continue; the run ends with this failure.</summary>
    public sealed record Fatal(RunFailure Failure) : IWireMessage;

    /// <summary>Reports a failure on a thread, which then ends the run.</summary>
    public static Action<Exception> EndRun(IActorRef run) => fault => run.Tell(new Fatal(RunFailure.Of(fault)));

    /// <summary>Run to supervisor of the gradient sync: the end is decided elsewhere; commit nothing more.</summary>
    public sealed record Halt : INoSerializationVerificationNeeded
    {
        public static Halt Instance { get; } = new();
    }

    /// <summary>Run to its node agent, or to the placement, which passes it on to all agents.</summary>
    public sealed record StopRanks : IWireMessage
    {
        public static StopRanks Instance { get; } = new();
    }

    /// <summary>The answer: no worker of the run is left.</summary>
    public sealed record RanksStopped : IWireMessage
    {
        public static RanksStopped Instance { get; } = new();
    }
}
