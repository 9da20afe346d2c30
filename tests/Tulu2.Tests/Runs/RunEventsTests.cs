using Tulu2.Evaluation.Reporting;
using Tulu2.Protocol.Events;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Outcomes;
using Tulu2.Protocol.Validation;
using Tulu2.Protocol.Workers;
using Tulu2.Runs.Events;
using Tulu2.Runs.Output;
using Tulu2.Runs.RunFiles;
using Xunit;

namespace Tulu2.Tests.Runs;

/// <summary>Every subscriber gets every event of a run, in order.</summary>
public sealed class RunEventsTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tulu2-run-events-");
    private readonly List<string> _said = [];
    private readonly List<ProgressSnapshot> _reported = [];

    private RunDirectory Run => new(_folder.FullName);

    public void Dispose() => _folder.Delete(recursive: true);

    private StepLog<StepRecord> Open() => MetricsLog.Open(Run.Metrics, _said.Add);

    private static RunEvent.StepCommitted Step(int step, double loss = 2) =>
        new(new StepCommit(new Generation(1), new StepNumber(step), "hash", new StepMetrics(loss, 1, 1e-3, 100, 50, []), [], 0.5, Replayed: false));

    [Fact]
    public void Every_event_reaches_every_subscriber_in_their_order()
    {
        var heard = new List<string>();
        var events = new RunEvents(new Listener("a", heard), new Listener("b", heard));
        events.Handle(new RunEvent.PhaseChanged(RunPhase.Training));
        events.Handle(Step(1));
        events.Handle(new RunEvent.CheckpointWritten(new StepNumber(1), "manifest", 0.5));
        events.Handle(new RunEvent.RankLost(new Rank(0), "gone"));
        Assert.Equal(["a PhaseChanged", "b PhaseChanged", "a StepCommitted", "b StepCommitted", "a CheckpointWritten", "b CheckpointWritten", "a RankLost", "b RankLost"], heard);
    }

    [Fact]
    public void A_step_is_written_once_and_a_replay_with_other_figures_ends_the_run()
    {
        using var metrics = Open();
        var subscriber = new MetricsSubscriber("sft", Run, new StepNumber(0), metrics, null, _said.Add);
        foreach (var step in new[] { Step(1), Step(2), Step(1) }) subscriber.Handle(step);
        Assert.Equal([1, 2], metrics.Lines.Select(line => line.Step));
        Assert.Contains("step 2 was replayed", Assert.Throws<InvalidOperationException>(() => subscriber.Handle(Step(2, loss: 3))).Message);
        File.Delete(Run.Metrics);
        Assert.Contains("disappeared", Assert.Throws<Tulu2.Files.BadInputException>(() => subscriber.Handle(Step(3))).Message);
    }

    [Theory]
    [InlineData(true, 0, 2)]
    [InlineData(true, 3, 3)]
    [InlineData(false, 0, 4)]
    public void A_change_that_decides_bits_cuts_the_steps_that_are_made_again(bool decidesBits, int firstStep, int kept)
    {
        using var metrics = Open();
        var subscriber = new MetricsSubscriber("sft", Run, new StepNumber(firstStep), metrics, null, _said.Add);
        for (var step = 1; step <= 4; step++) subscriber.Handle(Step(step));
        subscriber.Handle(new RunEvent.RecipeChanged(new StepNumber(2), ["seed 1 -> 2"], decidesBits));
        Assert.Equal(kept, metrics.LastStep);
        Assert.Equal(decidesBits ? 1 : 0, _said.Count);
    }

    [Fact]
    public void TensorBoard_gets_new_steps_only()
    {
        using var metrics = Open();
        using var board = new TensorBoardWriter(Run.TensorBoard, TimeProvider.System);
        var events = new RunEvents(new TensorBoardSubscriber(metrics, null, board), new MetricsSubscriber("sft", Run, new StepNumber(0), metrics, null, _said.Add));
        events.Handle(Step(1));
        var written = new FileInfo(board.Path).Length;
        events.Handle(Step(1));
        Assert.Equal(written, new FileInfo(board.Path).Length);
        events.Handle(Step(2));
        Assert.True(new FileInfo(board.Path).Length > written, "a new step is written");
    }

    [Fact]
    public void A_step_that_the_ledger_knows_completes_the_files_and_must_have_the_same_figures()
    {
        using var metrics = Open();
        using var board = new TensorBoardWriter(Run.TensorBoard, TimeProvider.System);
        var events = new RunEvents(new TensorBoardSubscriber(metrics, null, board), new MetricsSubscriber("sft", Run, new StepNumber(0), metrics, null, _said.Add));
        events.Handle(Step(1));
        var written = new FileInfo(board.Path).Length;
        events.Handle(Known(1));
        Assert.Equal(written, new FileInfo(board.Path).Length);
        events.Handle(Known(2));
        Assert.True(new FileInfo(board.Path).Length > written, "it is in no file yet");
        Assert.Equal(2, metrics.LastStep);
        var other = Known(2) with { Metrics = Step(2).Step.Metrics with { Loss = 7 } };
        Assert.Contains("step 2 was replayed with other figures", Assert.Throws<InvalidOperationException>(() => events.Handle(other)).Message, StringComparison.Ordinal);

        static RunEvent.StepKnown Known(int step) => new(new StepNumber(step), Step(step).Step.Metrics, 0.25);
    }

    [Fact]
    public void A_validation_that_the_ledger_knows_reaches_TensorBoard_if_it_is_new()
    {
        using var metrics = Open();
        using var validations = ValidationLog.Open(Run.Validations, _said.Add);
        using var board = new TensorBoardWriter(Run.TensorBoard, TimeProvider.System);
        var events = new RunEvents(new TensorBoardSubscriber(metrics, validations, board), new MetricsSubscriber("sft", Run, new StepNumber(0), metrics, validations, _said.Add));
        var written = new FileInfo(board.Path).Length;
        events.Handle(new RunEvent.ValidationKnown(new StepNumber(2), [new NamedValue("loss", 1.5)], new ValidationVerdict(new StepNumber(2), true, false)));
        Assert.True(new FileInfo(board.Path).Length > written, "it is in no file yet");
        written = new FileInfo(board.Path).Length;
        events.Handle(new RunEvent.ValidationKnown(new StepNumber(2), [new NamedValue("loss", 1.5)], new ValidationVerdict(new StepNumber(2), true, false)));
        Assert.Equal(written, new FileInfo(board.Path).Length);
    }

    [Fact]
    public void A_run_that_a_validation_ends_says_why_and_does_not_go_on()
    {
        var remarks = new RemarkSubscriber("sft", 10, _said.Add);
        remarks.Handle(new RunEvent.PhaseChanged(RunPhase.Training));
        remarks.Handle(new RunEvent.PhaseChanged(RunPhase.Validation));
        remarks.Handle(new RunEvent.Validated(new StepNumber(5), [new NamedValue("loss", 1.5)], new ValidationVerdict(new StepNumber(3), false, true), 0.5));
        remarks.Handle(new RunEvent.PhaseChanged(RunPhase.Finishing));
        remarks.Handle(new RunEvent.CheckpointFailed(new StepNumber(5), "no room"));
        Assert.Equal(
            [
                "sft: validation after step 5: loss 1.5000; no better than step 3 for too long: the run ends", "sft: writing the last checkpoint",
                "sft: the checkpoint of step 5 could not be written: no room",
            ], _said);
    }

    [Fact]
    public void Progress_and_remarks_tell_how_far_a_run_is_and_what_happened()
    {
        var events = new RunEvents(new ProgressSubscriber("sft", 10, _reported.Add), new RemarkSubscriber("sft", 10, _said.Add));
        events.Handle(new RunEvent.ReferenceProgressed(1, 4));
        events.Handle(Step(3));
        Assert.Equal([new(1, 4) { Phase = "sft reference" }, new ProgressSnapshot(3, 10, 2, 200) { Phase = "sft" }], _reported);
        var skipped = Step(4).Step with { Skipped = new StepFault("the loss is NaN", []), Metrics = Step(4).Step.Metrics with { Loss = double.NaN } };
        events.Handle(new RunEvent.StepCommitted(skipped));
        Assert.Equal(2, _reported[^1].Loss);
        events.Handle(new RunEvent.PhaseChanged(RunPhase.Training));
        events.Handle(new RunEvent.CheckpointFailed(new StepNumber(5), "no room"));
        events.Handle(new RunEvent.CheckpointFailed(new StepNumber(10), "no room"));
        events.Handle(new RunEvent.RankLost(new Rank(1), "killed"));
        events.Handle(new RunEvent.RanksPlaced("node", [new Rank(0), new Rank(1)]));
        events.Handle(new RunEvent.WaitingForPlaces(2));
        events.Handle(new RunEvent.HistoryLost("torn"));
        events.Handle(new RunEvent.PhaseChanged(RunPhase.Finishing));
        Assert.Equal(
            [
                "sft: the checkpoint of step 5 could not be written: no room; training goes on", "sft: the checkpoint of step 10 could not be written: no room",
                "sft: rank 1 was restarted: killed", "sft: ranks 0, 1 are placed on node", "sft: waiting for nodes with 2 more places for ranks", "sft: ledger: torn",
                "sft: writing the last checkpoint",
            ], _said);
    }

    private sealed class Listener(string name, List<string> heard) : IRunEventSubscriber
    {
        public void Handle(RunEvent happened) => heard.Add($"{name} {happened.GetType().Name}");
    }
}
