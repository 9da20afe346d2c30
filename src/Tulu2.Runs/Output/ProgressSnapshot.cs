using System.Globalization;
using Tulu2.Files;

namespace Tulu2.Runs.Output;

/// <summary>Progress of a long job.</summary>
/// <param name="Done">Units done.</param>
/// <param name="Total">Total units; 0: unknown.</param>
/// <param name="Loss">Loss of the latest step that was applied; null: there is none.</param>
/// <param name="TokensPerSecond">Null: the job does not process tokens.</param>
internal readonly record struct ProgressSnapshot(long Done, long Total, double? Loss = null, double? TokensPerSecond = null)
{
    /// <summary>Name of the phase, where one display shows several in turn.</summary>
    public string? Phase { get; init; }

    /// <summary>A line for a log: <c>sft 12/40 loss 1.2340 5,678 tokens/s 1:23 left</c>.</summary>
    public string ToLine(string title, TimeSpan elapsed, TimeSpan? left)
    {
        var parts = new List<string> { Phase ?? title, Total > 0 ? $"{Done}/{Total}" : $"{Done}" };
        if (Loss is { } loss) parts.Add($"loss {NumberText.Loss(loss)}");
        if (TokensPerSecond is { } speed) parts.Add(string.Create(CultureInfo.InvariantCulture, $"{speed:N0} tokens/s"));
        parts.Add(left is { } time && Done < Total ? $"{Clock(time)} left" : $"after {Clock(elapsed)}");
        return string.Join(' ', parts);
    }

    private static string Clock(TimeSpan time) =>
        time.TotalHours >= 1 ? $"{(int)time.TotalHours}:{time.Minutes:00}:{time.Seconds:00}" : $"{time.Minutes}:{time.Seconds:00}";
}
