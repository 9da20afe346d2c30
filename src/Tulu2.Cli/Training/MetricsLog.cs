using System.Text;
using System.Text.Json;
using Tulu2.Cli.Shell;

namespace Tulu2.Cli.Training;

/// <summary>
/// <c>metrics.jsonl</c>: one object per committed step, each once. A resumed run replays the steps since its checkpoint; those that are already written
/// are compared with what was written, not written again.
/// </summary>
internal sealed class MetricsLog : IDisposable
{
    private readonly SortedDictionary<int, StepLine> _lines = [];
    private readonly FileStream _file;

    private MetricsLog(FileStream file, IEnumerable<StepLine> lines)
    {
        _file = file;
        foreach (var line in lines) _lines[line.Step] = line;
    }

    /// <summary>Every step written so far, in order.</summary>
    public IReadOnlyCollection<StepLine> Lines => _lines.Values;

    /// <summary>Opens or makes the file. What a killed process left torn is cut off; <paramref name="say"/> hears of it.</summary>
    public static MetricsLog Open(string path, Action<string> say)
    {
        var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
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
    public bool Append(StepLine line)
    {
        if (_lines.TryGetValue(line.Step, out var before)) return before.SameBits(line);
        _file.Write(Encoding.UTF8.GetBytes(JsonLine.Of(line) + "\n"));
        _file.Flush();
        _lines.Add(line.Step, line);
        return true;
    }

    public void Dispose() => _file.Dispose();

    // Reads up to the first line that is not whole; steps only ever rise.
    private static (List<StepLine> Lines, long Sound) Read(FileStream file)
    {
        var bytes = new byte[file.Length];
        file.Position = 0;
        file.ReadExactly(bytes);
        var lines = new List<StepLine>();
        var sound = 0;
        while (bytes.AsSpan(sound).IndexOf((byte)'\n') is >= 0 and var length && Parse(bytes.AsSpan(sound, length)) is { } line)
        {
            if (lines.Count > 0 && line.Step <= lines[^1].Step) break;
            lines.Add(line);
            sound += length + 1;
        }
        return (lines, sound);
    }

    private static StepLine? Parse(ReadOnlySpan<byte> line)
    {
        try
        {
            return JsonSerializer.Deserialize<StepLine>(line, JsonLine.Options) is { Step: > 0 } step ? step : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
