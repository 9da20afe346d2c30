using System.Globalization;
using System.Runtime.InteropServices;
using Tulu2.Cluster.Ledger;
using Tulu2.Collectives;
using Tulu2.Files;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Xunit;

namespace Tulu2.Tests.Cluster;

public sealed class LedgerSpec : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("tulu2-ledger-");

    public void Dispose() => _directory.Delete(recursive: true);

    private string Log => Path.Combine(_directory.FullName, LedgerReader.FileName);

    private static LedgerEvent.StepCommitted Step(int step, long generation = 1, string? hash = null, params SlotRange[] slots) => new(
        generation, step, 0.1 + 0.2, double.PositiveInfinity, hash ?? $"h{step}", 100, 0.5,
        [new LedgerShare(0, slots.Length > 0 ? slots : [new SlotRange(0, 4)], [0.1, 0.2, 0.3, 0.4], new StepTimes(1, 2, 3, 4, 5, 6))]);

    private void Write(params LedgerEvent[] events)
    {
        using var file = LedgerFile.Open(_directory.FullName);
        file.Append(events.Select(e => (e, DateTimeOffset.UnixEpoch)));
    }

    private static readonly LedgerEvent Started = new LedgerEvent.RunStarted("recipe", 4, 1, 4, 10, 0);
    private static readonly LedgerEvent Opened = new LedgerEvent.GenerationOpened(1, "the run begins", 1);

    [SkippableFact]
    public void What_a_full_disk_refused_is_not_tried_again_when_the_log_is_closed()
    {
        Skip.IfNot(File.Exists("/dev/full") && Directory.Exists("/proc/self/fd"), "this system has no device that is always full");
        var file = LedgerFile.Open(_directory.FullName);
        // The open log is made to point at a disk that is full.
        var descriptor = Directory.GetFiles("/proc/self/fd").Single(fd => new FileInfo(fd).LinkTarget == Log);
        using (var full = File.OpenHandle("/dev/full", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
            Assert.True(DuplicateTo((int)full.DangerousGetHandle(), int.Parse(Path.GetFileName(descriptor), CultureInfo.InvariantCulture)) >= 0);
        Assert.ThrowsAny<IOException>(() => file.Append([(Started, DateTimeOffset.UnixEpoch)]));
        file.Dispose();
    }

    [DllImport("libc", EntryPoint = "dup2", SetLastError = true)]
    private static extern int DuplicateTo(int from, int to);

    [Fact]
    public void Every_kind_of_event_is_read_as_it_was_written()
    {
        LedgerEvent[] events =
        [
            Started, Opened, Step(1), new LedgerEvent.RankFailed(1, "broke \"badly\"\nand more"), new LedgerEvent.CheckpointWritten(1, "m1"),
            new LedgerEvent.CheckpointFailed(2, "full"),
            new LedgerEvent.CheckpointsPruned(3), new LedgerEvent.EvaluationDone("t", 2, 10, 0.7), new LedgerEvent.RunFinished(1, "completed", "ab", null),
            new LedgerEvent.RunResumed("recipe", 4, 2, 4, 10, 1, null), new LedgerEvent.HistoryLost(2, 5, "m5", "line 3 is no line", "log.jsonl.damaged-1"),
            new LedgerEvent.Validated(1, new Dictionary<string, double> { ["loss"] = 0.1 + 0.2, ["rewards_margin"] = double.NaN }, true, false),
            new LedgerEvent.RecipeChanged(5, ["optimizer.learning_rate 2e-05 -> 1e-05"], "other"), new LedgerEvent.RolledBack(3, 2, 4, "the loss of step 4 is NaN"), new LedgerEvent.SlotQuarantined(6, 1, "rows 3, 4", "it ended 3 workers"),
            new LedgerEvent.Recovered(1, 2, 3, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7), new LedgerEvent.TimeAccounted(7, [1], [1], [1], [1], [1], [1], [1]),
        ];
        Write(events);

        var read = LedgerReader.Read(_directory.FullName);

        Assert.Equal(LedgerLine.KindNames.Count, events.Length);
        Assert.Equal(Enumerable.Range(1, events.Length).Select(i => (long)i), read.Select(entry => entry.Number));
        Assert.Equivalent(events, read.Select(entry => entry.Event), strict: true);
        Assert.Equal(0.30000000000000004, read.Select(entry => entry.Event).OfType<LedgerEvent.StepCommitted>().Single().Loss);
    }

    [Fact]
    public void A_skipped_step_is_remembered_and_told_of_until_it_is_made_again()
    {
        var skipped = Step(2) with { Skipped = "the loss (first in slot 1) is NaN", SkippedSlots = [1, 3] };
        Write(Started, Opened, Step(1), skipped, Step(3) with { Skipped = "the gradient norm is Infinity", SkippedSlots = [] });
        var read = LedgerReader.Read(_directory.FullName);
        Assert.Equivalent(skipped, read[3].Event, strict: true);
        Assert.Equal(["entry 4: step 2 was skipped: the loss (first in slot 1) is NaN", "entry 5: step 3 was skipped: the gradient norm is Infinity"], LedgerVerifier.Verify(read).Notes);
        // Lines of steps that were applied are as they were.
        Assert.DoesNotContain("skipped", File.ReadAllLines(Log)[2]);
        Assert.Equal([2, 3], Skipped());
        Write(new LedgerEvent.RecipeChanged(2, ["optimizer.learning_rate 2e-05 -> 1e-05"], "other"), Step(3));
        Assert.Equal([2], Skipped());
        Write(Started);
        Assert.Equal([], Skipped());

        IEnumerable<int> Skipped()
        {
            using var file = LedgerFile.Open(_directory.FullName);
            return [.. file.State.Skipped.Select(step => step.Value).Order()];
        }
    }

    [Fact]
    public void A_slot_that_is_left_out_stays_so_and_a_step_that_was_made_with_it_is_a_fault()
    {
        var quarantined = new LedgerEvent.SlotQuarantined(2, 1, "rows 3, 4", "slot 1 of step 2 ended 3 workers");
        Write(Started, Opened, Step(1), quarantined, Step(2) with { LeftOut = [1] }, Step(3));
        using (var file = LedgerFile.Open(_directory.FullName)) Assert.Equal([new StepSlot(new StepNumber(2), new SlotNumber(1))], file.State.Quarantined);
        var verdict = LedgerVerifier.Verify(LedgerReader.Read(_directory.FullName));
        Assert.Equal([], verdict.Faults);
        Assert.Equal(["entry 4: slot 1 of step 2 is left out: slot 1 of step 2 ended 3 workers"], verdict.Notes);
        Write(new LedgerEvent.GenerationOpened(2, "a rank was lost", 1), Step(2) with { Generation = 2 });
        Assert.Contains("step 2 was made without the slots", Assert.Single(LedgerVerifier.Verify(LedgerReader.Read(_directory.FullName)).Faults));
    }

    [Fact]
    public void The_steps_since_the_newest_checkpoint_are_known_with_all_that_they_measured()
    {
        var third = Step(3) with { LearningRate = 1e-3, LossTokens = 50, More = new Dictionary<string, double> { ["rewards_margin"] = 0.1 + 0.2, ["a"] = double.NaN } };
        Write(Started, Opened, Step(1), Step(2), new LedgerEvent.CheckpointWritten(2, "m2"), Step(3), third);
        using var file = LedgerFile.Open(_directory.FullName);
        var (step, known) = Assert.Single(file.State.Recent);
        Assert.Equal(3, step);
        var metrics = known.Metrics()!;
        Assert.Equal(new StepMetrics(0.1 + 0.2, double.PositiveInfinity, 1e-3, 100, 50, [new("rewards_margin", 0.1 + 0.2), new("a", double.NaN)]), metrics);
        Assert.Null(Step(3).Metrics());
    }

    [Fact]
    public void A_torn_end_is_cut_off_wherever_it_was_torn_and_the_log_goes_on()
    {
        Write(Started, Opened, Step(1));
        var sound = File.ReadAllBytes(Log);
        Write(Step(2), Step(3));
        var whole = File.ReadAllBytes(Log);
        var secondEnds = Array.IndexOf(whole, (byte)'\n', sound.Length) + 1;

        for (var length = sound.Length; length < whole.Length; length += 7)
        {
            File.WriteAllBytes(Log, whole[..length]);
            Write(Step(length >= secondEnds ? 3 : 2));
            var read = LedgerReader.Read(_directory.FullName);
            Assert.Equal(length >= secondEnds ? 5 : 4, read.Count);
            Assert.Equal([], LedgerVerifier.Verify(read).Faults);
        }
    }

    [Fact]
    public void A_torn_batch_whose_lines_reached_the_disk_in_part_is_cut_off()
    {
        Write(Started, Opened, Step(1));
        var sound = File.ReadAllBytes(Log);
        // A block of zeros where the file was extended but not written.
        File.WriteAllBytes(Log, [.. sound, .. new byte[100], (byte)'\n', .. new byte[50]]);

        Write(Step(2));

        Assert.Equal(4, LedgerReader.Read(_directory.FullName).Count);
    }

    [Fact]
    public void An_altered_or_missing_line_is_found()
    {
        Write(Started, Opened, Step(1), Step(2), Step(3));
        var lines = File.ReadAllLines(Log);

        File.WriteAllLines(Log, [.. lines[..2], lines[2].Replace("\"step\":1", "\"step\":7", StringComparison.Ordinal), .. lines[3..]]);
        var altered = Assert.Throws<BadInputException>(() => LedgerReader.Read(_directory.FullName));
        Assert.Equal($"{Log}:3", altered.Where);
        Assert.Contains("resume the run", Assert.Single(LedgerVerifier.Verify(_directory.FullName).Faults));

        File.WriteAllLines(Log, [.. lines[..3], .. lines[4..]]);
        Assert.False(LedgerVerifier.Verify(_directory.FullName).IsSound);
        Assert.Equal($"{Log}:4", Assert.Throws<BadInputException>(() => LedgerReader.Read(_directory.FullName)).Where);
    }

    [Fact]
    public void Of_an_altered_log_the_sound_head_is_kept_and_the_file_is_set_aside()
    {
        Write(Started, Opened, Step(1), Step(2), Step(3));
        var whole = File.ReadAllBytes(Log);
        // Every byte of the middle, one at a time: each is found, and the log goes on behind the last sound line.
        var lines = File.ReadAllLines(Log);
        var (from, to) = (lines[0].Length + 1, whole.Length - lines[4].Length - 1);
        for (var at = from; at < to; at += 37)
        {
            var damaged = whole.ToArray();
            damaged[at] ^= 0x10;
            File.WriteAllBytes(Log, damaged);
            using (var file = LedgerFile.Open(_directory.FullName))
            {
                var line = whole[..at].Count(b => b == '\n') + 1;
                Assert.Equal(line - 1, file.State.LastNumber);
                Assert.StartsWith($"line {line} ", file.Damaged?.Why);
                Assert.Equal(damaged, File.ReadAllBytes(file.Damaged!.Value.SetAside));
                file.Append([(Step(9), DateTimeOffset.UnixEpoch)]);
            }
            Assert.IsType<LedgerEvent.StepCommitted>(LedgerReader.Read(_directory.FullName)[^1].Event);
        }
    }

    [Fact]
    public void What_a_resume_knows_of_a_lost_history_makes_the_log_sound_again_and_is_said()
    {
        Write(Started, Opened, Step(1), Step(2));
        // As if cut off at a line's end: steps 3 to 5 were made, and only the manifest of step 5 knows.
        using (var file = LedgerFile.Open(_directory.FullName))
        {
            Assert.Null(file.State.MissingBefore(new StepNumber(2), "m2", null));
            Assert.Null(file.State.MissingBefore(new StepNumber(0), null, null));
            Assert.Equal(new LedgerEvent.HistoryLost(3, 2, null, "why", "aside"), file.State.MissingBefore(new StepNumber(2), "m2", ("why", "aside")));
            var lost = file.State.MissingBefore(new StepNumber(5), "m5", null);
            Assert.Equal(new LedgerEvent.HistoryLost(3, 5, "m5", "the log ends after step 2", null), lost);
            file.Append([(lost!, DateTimeOffset.UnixEpoch)]);
            Assert.Null(file.State.MissingBefore(new StepNumber(5), "m5", null));
            Assert.Null(file.State.MissingBefore(new StepNumber(4), "m4", null));
        }
        Write(new LedgerEvent.RunResumed("recipe", 4, 1, 4, 10, 5, "m5"), new LedgerEvent.GenerationOpened(2, "", 1), Step(6, 2));

        var verdict = LedgerVerifier.Verify(_directory.FullName);

        Assert.True(verdict.IsSound, string.Join('\n', verdict.Faults));
        Assert.Equal(["entry 5: history lost: the log ends after step 2; steps 3 to 5 are known from m5 only"], verdict.Notes);
    }

    [Fact]
    public void Steps_after_a_change_that_decides_bits_are_others_than_they_were()
    {
        Write(Started, Opened, Step(1), Step(2), Step(3));
        LedgerEvent[] Resumed(string hash, string recipe) =>
        [
            new LedgerEvent.RecipeChanged(1, ["a 1 -> 2"], hash), new LedgerEvent.RunResumed(recipe, 4, 1, 4, 10, 1, "m1"), new LedgerEvent.GenerationOpened(2, "", 1), Step(2, 2, "new"),
        ];
        var begun = File.ReadAllBytes(Log);
        Write(Resumed("other", "other"));
        Assert.Equal([], LedgerVerifier.Verify(_directory.FullName).Faults);
        using (var file = LedgerFile.Open(_directory.FullName))
        {
            Assert.Equal(("other", 1), (file.State.RecipeHash, file.State.Changes));
            Assert.Equal([(1, "h1"), (2, "new")], file.State.Hashes.Select(hash => (hash.Key.Value, hash.Value)).Order());
        }

        File.WriteAllBytes(Log, begun);
        Write(Resumed("recipe", "recipe"));
        Assert.Equal(["entry 9: step 2 was made again with the gradient new instead of h2"], LedgerVerifier.Verify(_directory.FullName).Faults);
    }

    [Fact]
    public void The_state_is_what_the_entries_say()
    {
        Write(Started, Opened, Step(1), new LedgerEvent.CheckpointWritten(1, "m1"), new LedgerEvent.GenerationOpened(2, "rank 0 was lost", 1), Step(2, 2));

        using var file = LedgerFile.Open(_directory.FullName);

        Assert.Equal((6, 2, "recipe", "h2"), (file.State.LastNumber, file.State.Generation.Value, file.State.RecipeHash, file.State.Hashes[new StepNumber(2)]));
        Assert.Equal("m1", file.State.Checkpoint?.Manifest);
        Assert.Null(file.State.Finished);
    }

    [Fact]
    public void A_directory_has_one_writer()
    {
        using var first = LedgerFile.Open(_directory.FullName);

        var second = Assert.Throws<BadInputException>(() => LedgerFile.Open(_directory.FullName));

        Assert.Equal(_directory.FullName, second.Where);
        Assert.Matches($@"^cannot be taken: another process has it open \(process {Environment.ProcessId} on {Environment.MachineName}, `tulu2 .*`, since \d{{4}}-.* UTC\)$", second.What);
        Assert.Contains($"process {Environment.ProcessId} on {Environment.MachineName}", second.Fix);
        first.Dispose();
        // One that does not say who it is cannot be named.
        using var silent = LedgerFile.Hold(_directory.FullName);
        Assert.Equal("cannot be taken: another process has it open", Assert.Throws<BadInputException>(() => LedgerFile.Open(_directory.FullName)).What);
    }

    [Fact]
    public async Task Who_comes_second_waits_for_the_end_of_the_first_as_long_as_it_may()
    {
        var first = LedgerFile.Open(_directory.FullName);
        await Assert.ThrowsAsync<BadInputException>(() => RunLock.WaitAsync(_directory.FullName, TimeSpan.Zero, _ => { }, CancellationToken.None));

        var said = new List<string>();
        var waiting = RunLock.WaitAsync(_directory.FullName, TimeSpan.FromMinutes(1), said.Add, CancellationToken.None);
        Assert.False(waiting.IsCompleted);
        // A successor that has waited in vain says what hangs, and how it is ended.
        var vain = await Assert.ThrowsAsync<BadInputException>(() => RunLock.WaitAsync(_directory.FullName, TimeSpan.FromSeconds(0.5), _ => { }, CancellationToken.None));
        Assert.EndsWith("; it coordinated the run before, and has not ended within 0.5 s: it is stopped, or hangs", vain.What);
        Assert.Contains($"`kill -9 {Environment.ProcessId}` on {Environment.MachineName}", vain.Fix);
        first.Dispose();
        await waiting;
        Assert.Matches($@"^another process still has the run \(process {Environment.ProcessId} on .*\); waiting up to 60 s for its end$", Assert.Single(said));
        LedgerFile.Open(_directory.FullName).Dispose();
    }

    [Fact]
    public async Task A_directory_without_a_run_is_left_as_it_is()
    {
        var none = Path.Combine(_directory.FullName, "none");
        await RunLock.WaitAsync(none, TimeSpan.Zero, _ => { }, CancellationToken.None);
        Assert.False(Directory.Exists(none));
    }

    private static LedgerEvent.GenerationOpened Again(long generation) => new(generation, "rank 0 was lost", 1);

    public static TheoryData<string, LedgerEvent[]> Unsound => new()
    {
        { "entry 3: step 1 has slot 3 0 times", [Step(1, slots: new SlotRange(0, 3))] },
        { "entry 3: step 1 has slot 2 2 times", [Step(1, slots: [new SlotRange(0, 3), new SlotRange(2, 2)])] },
        { "entry 4: step 3 was committed after step 1", [Step(1), Step(3)] },
        { "entry 4: step 1 was committed after step 1", [Step(1), Step(1)] },
        { "entry 5: step 1 was made again with the gradient other instead of h1", [Step(1), Again(2), Step(1, 2, hash: "other")] },
        { "entry 5: step 3 was committed after step 1", [Step(1), Again(2), Step(3, 2)] },
        { "entry 7: step 4 was committed after step 2", [Step(1), Step(2), Again(2), Step(2, 2), Step(4, 2)] },
        { "entry 3: step 1 was committed by generation 7 in generation 1", [Step(1, generation: 7)] },
        { "entry 4: resumed after step 5, which was never committed", [Step(1), new LedgerEvent.RunResumed("recipe", 4, 1, 4, 10, 5, "m5")] },
        { "entry 3: generation 1 was opened after generation 1", [Opened] },
    };

    [Theory]
    [MemberData(nameof(Unsound))]
    public void What_cannot_have_been_is_named(string fault, LedgerEvent[] events)
    {
        Write([Started, Opened, .. events]);

        Assert.Equal([fault], LedgerVerifier.Verify(_directory.FullName).Faults);
    }

    [Fact]
    public void Steps_made_again_after_a_resume_are_sound()
    {
        Write(Started, Opened, Step(1), Step(2), Step(3));
        Write(new LedgerEvent.RunResumed("recipe", 4, 1, 4, 10, 1, "m1"), new LedgerEvent.GenerationOpened(2, "", 1), Step(2, 2), Step(3, 2), Step(4, 2));

        var verdict = LedgerVerifier.Verify(_directory.FullName);

        Assert.Equal((true, 4, 2), (verdict.IsSound, verdict.Steps, verdict.Replayed));
    }

    [Fact]
    public void A_generation_may_go_on_from_a_checkpoint_that_settled_after_the_generation_before_it_went_back_further()
    {
        Write(Started, Opened, Step(1), Step(2), Step(3), Again(2), Step(2, 2), new LedgerEvent.CheckpointWritten(3, "m3"), Again(3), Step(4, 3));

        var verdict = LedgerVerifier.Verify(_directory.FullName);

        Assert.Empty(verdict.Faults);
        Assert.Equal((4, 1), (verdict.Steps, verdict.Replayed));
    }
}
