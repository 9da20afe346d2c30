using System.Globalization;

namespace Tulu2.Cli.Shell;

/// <summary>How far something long is.</summary>
/// <param name="Done">Units done.</param>
/// <param name="Total">Units in all; 0: not known.</param>
/// <param name="Loss">Of the newest step, where there is one.</param>
/// <param name="TokensPerSecond">Where tokens are what takes time.</param>
internal readonly record struct ProgressSnapshot(long Done, long Total, double? Loss = null, double? TokensPerSecond = null)
{
    /// <summary>Time left at the speed so far; null before anything is done.</summary>
    public TimeSpan? Left(TimeSpan elapsed) => Done > 0 && Total > 0 ? elapsed * ((double)(Total - Done) / Done) : null;

    /// <summary>One plain line for a log: <c>sft 12/40 loss 1.234 5,678 tokens/s 1:23 left</c>.</summary>
    public string ToLine(string title, TimeSpan elapsed)
    {
        var parts = new List<string> { title, Total > 0 ? $"{Done}/{Total}" : $"{Done}" };
        if (Loss is { } loss) parts.Add(string.Create(CultureInfo.InvariantCulture, $"loss {loss:F4}"));
        if (TokensPerSecond is { } speed) parts.Add(string.Create(CultureInfo.InvariantCulture, $"{speed:N0} tokens/s"));
        parts.Add(Left(elapsed) is { } left && Done < Total ? $"{Clock(left)} left" : $"after {Clock(elapsed)}");
        return string.Join(' ', parts);
    }

    public static string Clock(TimeSpan time) => time.TotalHours >= 1 ? $"{(int)time.TotalHours}:{time.Minutes:00}:{time.Seconds:00}" : $"{time.Minutes}:{time.Seconds:00}";
}
