using Tulu2.Evaluation.Reporting;

namespace Tulu2.Tests.Evaluation.Reporting;

/// <summary>A small run with everything a report can hold.</summary>
internal static class ReportExample
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);

    public static ReportInput Input { get; } = new()
    {
        Title = "Demo <run>",
        Facts = [new("Recipe", "recipes/demo-sft.yaml"), new("Parameters SHA-256", new string('a', 64)), new("Ranks", "2")],
        Stages =
        [
            new("sft", [.. Enumerable.Range(1, 300).Select(Sft)])
            {
                Facts = [new("model", "demo"), new("parameters sha256", new string('a', 64))],
                Settings = [new("optimizer.learning_rate", "0.002"), new("data.max_length", "256")],
                Recipe = "objective: sft",
                Files = [new("/data/rows.jsonl", 12_345, 400)],
                Sessions =
                [
                    new(Noon, Noon.AddSeconds(60), 0, 120, 2, "stopped by SIGTERM after step 120", "one"),
                    new(Noon.AddSeconds(120), Noon.AddSeconds(240), 120, 300, 2, "done", "two"),
                ],
            },
            new("dpo", [.. Enumerable.Range(1, 60).Select(Dpo)])
            {
                Settings = [new("optimizer.learning_rate", "2e-05"), new("dpo.beta", "0.1")],
                Sessions = [new(Noon.AddSeconds(330), Noon.AddSeconds(366), 0, 60, 2, "done", "two")],
            },
        ],
        Scores =
        [
            new("untrained", "exact_match", "", 400, 3), new("sft", "exact_match", "", 400, 321), new("dpo", "exact_match", "", 400, 318),
            new("untrained", "exact_match", "arithmetic", 200, 1), new("sft", "exact_match", "arithmetic", 200, 141), new("dpo", "exact_match", "arithmetic", 200, 139),
            new("sft", "preference", "", 100, 55), new("dpo", "preference", "", 100, 88),
        ],
        Samples =
        [
            new("sft", [new("What is 2 + 3?", "5", "5", true), new("Reverse: a b c", "c b a", "<script>alert('x')</script> & \u0007", false)], "Greedy answers to held-out prompts."),
        ],
        TokenLengths = [.. Enumerable.Range(0, 16).Select(i => new LengthBin(16 * i, 16 * i + 16, (long)(400 * Math.Exp(-(i - 4.0) * (i - 4) / 9))))],
        RankTimes = [new("sft", [new(0, 80, 60, 0.4, 8, 4, 6, 0.8), new(1, 80, 64, 0, 4, 4, 7.2, 0.8)])],
        Goodput =
        [
            new("sft", [new(76_000_000, 900_000, 40_000, 700_000, 260_000, 1_800_000, 300_000), new(74_000_000, 500_000, 90_000, 1_100_000, 310_000, 3_700_000, 300_000)],
            [
                new("rank 1", 41, 44, 12, 251, 20, 60, 210, 150), new("rank 0", 90, 38, 60, 4, 31, 12, 240, 0), new("the coordinator", 120, 120, 330, 2, 45, 1, 190, 0),
            ]),
        ],
        Failures = [new("step 41", "rank 1 lost (exception in compute), restarted")],
    };

    private static StepRecord Sft(int step) => new(
        step, 0.4 + 7 / Math.Sqrt(step) + 0.1 * Math.Sin(step), 2e-3 * Math.Min(step / 10.0, (300 - step) / 290.0), 1 + 4 / Math.Sqrt(step), 4096, 1500, 0.3 + 0.05 * Math.Cos(step));

    private static StepRecord Dpo(int step) => new(
        step, 0.6931 - 0.006 * step, 5e-5, 2.5, 4096, 1500, 0.6)
    {
        More =
        [
            new("rewards_chosen", 0.01 * step), new("rewards_rejected", -0.02 * step), new("rewards_margin", 0.03 * step),
            new("rewards_accuracy", Math.Min(1, 0.5 + step / 80.0)), new("logps_chosen", -20 - step), new("logps_rejected", -25 - 2 * step),
        ],
    };
}
