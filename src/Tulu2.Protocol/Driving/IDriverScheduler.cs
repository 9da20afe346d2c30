using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;

namespace Tulu2.Protocol.Driving;

/// <summary>A report of a rank's worker.</summary>
/// <param name="Incarnation">Which of the rank's workers it is.</param>
public sealed record RankReport(Rank Rank, Incarnation Incarnation, WorkerReport Report);

/// <summary>When, in which order and on which thread a <see cref="StepDriver"/> hears what.</summary>
public interface IDriverScheduler
{
    /// <summary>The time by a monotonic clock.</summary>
    TimeSpan Now { get; }

    /// <summary>A worker has said something, on a thread of its own: <paramref name="arrive"/> is to run on the driver's thread.</summary>
    void Said(Action arrive);

    /// <summary>A report is on its way from a rank's node to the supervisor: <see cref="StepDriver.Receive"/> takes it. May be called inside of it.</summary>
    void Sent(RankReport report);

    /// <summary>The same for the outcome of a snapshot, which <see cref="StepDriver.Take"/> takes.</summary>
    void Settled(SyncCommand settled);
}
