using Tulu2.Cli.Reports;
using Tulu2.Cluster.Ledger;
using Tulu2.Evaluation.Reporting;
using Tulu2.Training.Workers;
using Xunit;

namespace Tulu2.Tests.Cli;

public sealed class RunHistoryTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);

    private static readonly IReadOnlyList<LedgerEntry> Entries =
    [
        .. new LedgerEvent[]
        {
            new LedgerEvent.RunStarted("a", 4, 2, 4, 3, 0),
            new LedgerEvent.GenerationOpened(1, "the run begins", 2),
            Committed(1, new StepTimes(1, 0.5, 0.25, 0, 0.125, 0.125)),
            new LedgerEvent.RankFailed(1, "killed by signal 9"),
            new LedgerEvent.GenerationOpened(2, "rank 1 failed", 2),
            new LedgerEvent.CheckpointFailed(1, "no room"),
            Committed(2, new StepTimes(1, 0, 0.75, 0.25)),
            new LedgerEvent.RunResumed("a", 4, 1, 4, 3, 1, null),
            new LedgerEvent.RunFinished(3, "failed", null, "no more"),
        }.Select((what, index) => new LedgerEntry(index + 1, Noon.AddSeconds(index), what)),
    ];

    [Fact]
    public void Whatever_was_no_step_is_told_in_order() => Assert.Equal(
        [
            new("2026-01-02 12:00:03.000", "sft: rank 1 failed: killed by signal 9"), new("2026-01-02 12:00:04.000", "sft: generation 2: rank 1 failed"),
            new("2026-01-02 12:00:05.000", "sft: no checkpoint of step 1: no room"), new("2026-01-02 12:00:07.000", "sft: resumed at step 1, ranks: 1"),
            new ReportFailure("2026-01-02 12:00:08.000", "sft: ended: no more"),
        ], RunHistory.Failures("sft", Entries));

    [Fact]
    public void Times_are_added_up_by_rank() => Assert.Equal(
        [new RankTime(0, 5, 2, 0.5, 0.125, 0.125, 1, 0.25), new RankTime(1, 5, 2, 0.5, 0.125, 0.125, 1, 0.25)], RunHistory.RankTimes("sft", Entries).Ranks);

    private static LedgerEvent.StepCommitted Committed(int step, StepTimes times) =>
        new(1, step, 1, 1, "b", 100, 2.5, [new LedgerShare(1, [], [], times), new LedgerShare(0, [], [], times)]);
}
