using Tulu2.Cluster.Ledger;
using Tulu2.Evaluation.Reporting;
using Tulu2.Protocol.Workers;
using Tulu2.Runs.Reports;
using Xunit;

namespace Tulu2.Tests.Runs;

public sealed class RunHistoryTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);

    private static readonly IReadOnlyList<LedgerEntry> Entries =
    [
        .. new LedgerEvent[]
        {
            new LedgerEvent.RunStarted("a", 4, 2, 4, 3, 0) { Facts = On("one") },
            new LedgerEvent.GenerationOpened(1, "the run begins", 2),
            Committed(1, new StepTimes(1, 0.5, 0.25, 0, 0.125, 0.125)),
            new LedgerEvent.RankFailed(1, "killed by signal 9"),
            new LedgerEvent.GenerationOpened(2, "rank 1 failed", 2),
            new LedgerEvent.CheckpointFailed(1, "no room"),
            Committed(2, new StepTimes(1, 0, 0.75, 0.25)),
            new LedgerEvent.RunResumed("a", 4, 1, 4, 3, 1, null) { Facts = On("two") },
            new LedgerEvent.RunFinished(3, "failed", null, "no more"),
        }.Select((what, index) => new LedgerEntry(index + 1, Noon.AddSeconds(index), what)),
    ];

    [Fact]
    public void Whatever_was_no_step_is_told_in_order() => Assert.Equal(
        [
            new("2026-01-02 12:00:03.000", "sft: rank 1 failed: killed by signal 9"), new("2026-01-02 12:00:04.000", "sft: generation 2: rank 1 failed"),
            new("2026-01-02 12:00:05.000", "sft: no checkpoint of step 1: no room"),
            new("2026-01-02 12:00:06.000", "sft: ended without notice: killed, or its machine was lost"), new("2026-01-02 12:00:07.000", "sft: resumed at step 1, ranks: 1"),
            new ReportFailure("2026-01-02 12:00:08.000", "sft: ended: no more"),
        ], RunHistory.Failures("sft", Entries));

    [Fact]
    public void Each_life_of_a_run_is_a_session_from_its_start_to_its_last_word() => Assert.Equal(
        [
            new(Noon, Noon.AddSeconds(6), 0, 2, 2, "ended without notice: killed, or its machine was lost", "one"),
            new ReportSession(Noon.AddSeconds(7), Noon.AddSeconds(8), 1, 1, 1, "ended: no more", "two"),
        ], RunHistory.Sessions(Entries));

    [Fact]
    public void A_stop_on_request_is_an_end_and_a_run_without_one_may_be_running()
    {
        LedgerEntry started = new(1, Noon, new LedgerEvent.RunStarted("a", 4, 2, 4, 3, 0)), step = new(2, Noon.AddSeconds(5), Committed(1, new StepTimes(1, 0, 0, 0)));
        Assert.Equal("no end is recorded: it is running, or was killed", Assert.Single(RunHistory.Sessions([started, step])).End);
        LedgerEntry stopped = new(3, Noon.AddSeconds(9), new LedgerEvent.RunFinished(1, "cancelled", null, null));
        var session = Assert.Single(RunHistory.Sessions([started, step, stopped]));
        Assert.Equal(("stopped on request after step 1", 9, 1), (session.End, session.Seconds, session.After));
        LedgerEntry signalled = stopped with { Event = new LedgerEvent.RunFinished(1, "cancelled", null, null) { StoppedBy = "SIGTERM" } };
        Assert.Equal("stopped by SIGTERM after step 1", Assert.Single(RunHistory.Sessions([started, step, signalled])).End);
        Assert.Equal("sft: stopped on request after step 1", Assert.Single(RunHistory.Failures("sft", [started, step, stopped])).What);
    }

    [Fact]
    public void The_newest_session_s_facts_and_the_final_hash_are_told_but_not_when_its_process_began()
    {
        LedgerEntry finished = new(9, Noon, new LedgerEvent.RunFinished(3, "completed", "abc", null));
        Assert.Equal([new("host", "two"), new ReportFact("parameters sha256", "abc")], RunHistory.Facts([.. Entries, finished]));
    }

    private static IReadOnlyDictionary<string, string> On(string host) => new Dictionary<string, string> { ["host"] = host, ["started"] = "now" };

    [Fact]
    public void Times_are_added_up_by_rank() => Assert.Equal(
        [new RankTime(0, 5, 2, 0.5, 0.125, 0.125, 1, 0.25), new RankTime(1, 5, 2, 0.5, 0.125, 0.125, 1, 0.25)], RunHistory.RankTimes("sft", Entries).Ranks);

    private static LedgerEvent.StepCommitted Committed(int step, StepTimes times) =>
        new(1, step, 1, 1, "b", 100, 2.5, [new LedgerShare(1, [], [], times), new LedgerShare(0, [], [], times)]);
}
