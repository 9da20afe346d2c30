using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Tulu2.Evaluation.Reporting;
using Tulu2.Training.Workers;

namespace Tulu2.Cli.Training;

/// <summary>
/// <c>metrics.jsonl</c>: one object per committed step, each once. A resumed run replays the steps since its checkpoint; those that are already written
/// are compared with what was written, not written again.
/// </summary>
internal sealed class MetricsLog : IDisposable
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        // A loss that is not a number must be seen, not turned into an exception while it is written down.
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        IgnoreReadOnlyProperties = true,
        RespectRequiredConstructorParameters = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly SortedDictionary<int, StepRecord> _lines = [];
    private readonly FileStream _file;

    private MetricsLog(FileStream file, IEnumerable<StepRecord> lines)
    {
        _file = file;
        foreach (var line in lines) _lines[line.Step] = line;
    }

    /// <summary>Every step written so far, in order.</summary>
    public IReadOnlyCollection<StepRecord> Lines => _lines.Values;

    /// <summary>Opens or makes the file. What a killed process left torn is cut off; <paramref name="say"/> hears of it.</summary>
    public static MetricsLog Open(string path, Action<string> say)
    {
        // Unbuffered: what a full disk refused would be thrown again when the file is closed, and hide the first error.
        var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete,
            bufferSize: 0);
        try
        {
            var (lines, sound) = Read(file);
            if (sound < file.Length)
            {
                say($"{path}: cut off {file.Length - sound} bytes after step {lines.LastOrDefault()?.Step ?? 0}, torn when the run was killed");
                file.SetLength(sound);
            }
            file.Position = sound;
            return new MetricsLog(file, lines);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Writes a step unless it is already there.</summary>
    /// <returns>False where the step was written before with other figures: the replay did not come to the same bits.</returns>
    public bool Append(StepRecord line)
    {
        if (_lines.TryGetValue(line.Step, out var before)) return SameBits(before, line);
        _file.Write(Encoding.UTF8.GetBytes(Write(line) + "\n"));
        _lines.Add(line.Step, line);
        return true;
    }

    public static StepRecord Record(int step, StepMetrics metrics, double seconds) =>
        new(step, metrics.Loss, metrics.LearningRate, metrics.GradientNorm, metrics.Tokens, metrics.LossTokens, seconds,
            metrics.Preference?.RewardsChosen, metrics.Preference?.RewardsRejected, metrics.Preference?.RewardsMargin, metrics.Preference?.RewardsAccuracy,
            metrics.Preference?.LogpsChosen, metrics.Preference?.LogpsRejected);

    internal static string Write(StepRecord line) => JsonSerializer.Serialize(line, Json);

    /// <summary>The same step computed twice has the same figures to the last bit; only its time may differ.</summary>
    private static bool SameBits(StepRecord one, StepRecord other) => one with { Seconds = 0 } == other with { Seconds = 0 };

    public void Dispose() => _file.Dispose();

    // Reads up to the first line that is not whole; steps only ever rise.
    private static (List<StepRecord> Lines, long Sound) Read(FileStream file)
    {
        var bytes = new byte[file.Length];
        file.Position = 0;
        file.ReadExactly(bytes);
        var lines = new List<StepRecord>();
        var sound = 0;
        while (bytes.AsSpan(sound).IndexOf((byte)'\n') is >= 0 and var length && Parse(bytes.AsSpan(sound, length)) is { } line)
        {
            if (lines.Count > 0 && line.Step <= lines[^1].Step) break;
            lines.Add(line);
            sound += length + 1;
        }
        return (lines, sound);
    }

    private static StepRecord? Parse(ReadOnlySpan<byte> line)
    {
        try
        {
            return JsonSerializer.Deserialize<StepRecord>(line, Json) is { Step: > 0 } step ? step : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
