using Tulu2.Evaluation.Reporting;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Tulu2.Runs.Events;
using Xunit;

namespace Tulu2.Tests.Runs;

/// <summary>Each committed step stands once in metrics.jsonl, whatever was killed in between.</summary>
public sealed class MetricsLogTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tulu2-metrics-");
    private readonly List<string> _said = [];

    private string MetricsFile => Path.Combine(_folder.FullName, "metrics.jsonl");

    public void Dispose() => _folder.Delete(recursive: true);

    private static StepRecord Step(int step, double seconds = 0.5) =>
        MetricsLog.Record(new StepNumber(step), new StepMetrics(0.1 + 0.2, 1.0 / 3, 2e-5, 100, 50, []), seconds);

    private StepLog<StepRecord> Open() => MetricsLog.Open(MetricsFile, _said.Add);

    [Fact]
    public void A_line_has_the_keys_of_the_design_and_all_digits()
    {
        Assert.Equal(
            """{"step":1,"loss":0.30000000000000004,"learning_rate":2E-05,"grad_norm":0.3333333333333333,"tokens":100,"loss_tokens":50,"seconds":0.5}""",
            StepLine.Write(Step(1)));
        var preference = MetricsLog.Record(new StepNumber(2), new StepMetrics(Math.Log(2), 1, 0, 8, 4,
            [
                new("rewards_chosen", 1), new("rewards_rejected", 2), new("rewards_margin", 3), new("rewards_accuracy", 0.5), new("logps_chosen", -5),
                new("logps_rejected", -6),
            ]), 1);
        Assert.Equal(
            """{"step":2,"loss":0.6931471805599453,"learning_rate":0,"grad_norm":1,"tokens":8,"loss_tokens":4,"seconds":1"""
            + ""","rewards_chosen":1,"rewards_rejected":2,"rewards_margin":3,"rewards_accuracy":0.5,"logps_chosen":-5,"logps_rejected":-6}""",
            StepLine.Write(preference));
    }

    [Fact]
    public void A_skipped_step_says_so_and_is_the_same_when_it_is_replayed()
    {
        var skipped = MetricsLog.Record(new StepNumber(1), new StepMetrics(double.NaN, double.PositiveInfinity, 2e-5, 100, 50, [new("rewards_margin", double.NaN)]), 0.5, "the loss is NaN", leftOut: 2);
        using (var log = Open()) Assert.True(log.Append(skipped));
        Assert.Contains(""" "grad_norm":"Infinity","tokens":100,"loss_tokens":50,"seconds":0.5,"rewards_margin":"NaN","left_out_slots":2,"skipped":"the loss is NaN"}""".Trim(), File.ReadAllText(MetricsFile));
        using var again = Open();
        Assert.Equal(skipped, Assert.Single(again.Lines));
        Assert.True(again.Append(skipped));
        Assert.False(again.Append(skipped with { Skipped = null }));
    }

    [Fact]
    public void A_replayed_step_is_compared_and_not_written_again()
    {
        using (var log = Open())
            for (var step = 1; step <= 3; step++)
                Assert.True(log.Append(Step(step)));
        var before = File.ReadAllText(MetricsFile);
        using (var log = Open())
        {
            Assert.True(log.Append(Step(2, seconds: 9)));
            Assert.False(log.Append(Step(3) with { Loss = 0.3 }));
            Assert.Equal(before, File.ReadAllText(MetricsFile));
            Assert.True(log.Append(Step(4)));
        }
        Assert.Equal([1, 2, 3, 4], File.ReadLines(MetricsFile)
            .Select(line => System.Text.Json.JsonDocument.Parse(line).RootElement.GetProperty("step").GetInt32()));
        Assert.Empty(_said);
    }

    [Fact]
    public void A_torn_last_line_is_cut_off_and_said()
    {
        using (var log = Open()) log.Append(Step(1));
        var sound = File.ReadAllText(MetricsFile);
        for (var cut = 1; cut < sound.Length; cut++)
        {
            File.WriteAllText(MetricsFile, sound + StepLine.Write(Step(2))[..cut]);
            _said.Clear();
            using (var log = Open()) Assert.Equal(1, Assert.Single(log.Lines).Step);
            Assert.Equal(sound, File.ReadAllText(MetricsFile));
            Assert.Contains("torn", Assert.Single(_said));
            if (cut >= StepLine.Write(Step(2)).Length) break;
        }
    }

    [Fact]
    public void A_lost_line_goes_back_to_its_place_in_a_file_that_is_never_half_written()
    {
        using (var log = Open())
            foreach (var step in new[] { 1, 3 })
                log.Append(Step(step));
        var before = File.ReadAllText(MetricsFile);
        using var seen = new StreamReader(new FileStream(MetricsFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
        using (var log = Open())
        {
            Assert.True(log.Append(Step(2)));
            Assert.True(log.Append(Step(4)));
        }
        // The new lines are another file, which took the name of the old one when it was whole.
        Assert.Equal(before, seen.ReadToEnd());
        Assert.Equal(string.Concat(Enumerable.Range(1, 4).Select(step => StepLine.Write(Step(step)) + "\n")), File.ReadAllText(MetricsFile));
        Assert.Equal([MetricsFile], Directory.GetFiles(_folder.FullName, "*", new EnumerationOptions { AttributesToSkip = 0 }));
    }

    [Fact]
    public void Steps_that_are_made_again_are_cut_off_and_the_others_stay_as_they_were()
    {
        var kept = StepLine.Write(Step(1)).Replace(",", ", ") + "\n";
        File.WriteAllText(MetricsFile, kept + StepLine.Write(Step(2)) + "\n" + StepLine.Write(Step(3)) + "\n");
        using var log = Open();
        Assert.Equal(0, log.CutAfter(new StepNumber(3)));
        Assert.Equal(2, log.CutAfter(new StepNumber(1)));
        Assert.Equal(kept, File.ReadAllText(MetricsFile));
        Assert.True(log.Append(Step(2, seconds: 9)));
        Assert.Equal(kept + StepLine.Write(Step(2, seconds: 9)) + "\n", File.ReadAllText(MetricsFile));
        Assert.Equal(2, log.CutAfter(new StepNumber(0)));
        Assert.Equal("", File.ReadAllText(MetricsFile));
    }

    [Fact]
    public void A_replayed_step_whose_objective_measured_otherwise_is_told_apart()
    {
        var step = Step(1) with { More = [new("rewards_margin", 0.1), new("logps_chosen", double.NaN)] };
        using (var log = Open()) log.Append(step);
        using (var log = Open())
        {
            Assert.True(log.Append(step with { More = [.. step.More] }));
            Assert.False(log.Append(step with { More = [step.More[0] with { Value = 0.2 }, step.More[1]] }));
            Assert.False(log.Append(step with { More = [] }));
        }
    }

    [Fact]
    public void A_step_whose_loss_is_not_a_number_is_still_written_down()
    {
        using (var log = Open()) log.Append(Step(1) with { Loss = double.NaN });
        using (var log = Open()) Assert.True(log.Append(Step(1) with { Loss = double.NaN }));
        Assert.Contains("\"loss\":\"NaN\"", File.ReadAllText(MetricsFile));
    }
}
