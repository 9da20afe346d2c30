using Tulu2.Models.Torch;

namespace Tulu2.Cli.Training;

/// <summary>What a run's bits depend on besides its recipe: docs/assumptions.md, 1.</summary>
internal static class TrainingFacts
{
    public static IReadOnlyDictionary<string, string> Gather(DateTimeOffset now) => new Dictionary<string, string>
    {
        ["machine"] = TorchRuntime.Facts,
        ["started"] = now.ToString("O"),
    };
}
