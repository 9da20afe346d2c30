using System.Text;
using System.Text.Json;
using Tulu2.Evaluation.Reporting;
using Tulu2.Files;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;

namespace Tulu2.Runs.Events;

/// <summary>
/// <c>metrics.jsonl</c>: one object per committed step. A resumed run replays the steps since its checkpoint; steps that are in the file are compared with it
/// instead of written again.
/// </summary>
internal sealed class MetricsLog : IDisposable
{
    private readonly SortedDictionary<int, StepRecord> _lines = [];
    private readonly FileStream _file;

    private MetricsLog(FileStream file, IEnumerable<StepRecord> lines)
    {
        _file = file;
        foreach (var line in lines) _lines[line.Step] = line;
        LastStep = _lines.Keys.LastOrDefault();
    }

    /// <summary>Every step written so far, in order.</summary>
    public IReadOnlyCollection<StepRecord> Lines => _lines.Values;

    /// <summary>The last step written; 0: none.</summary>
    public int LastStep { get; private set; }

    /// <summary>
    /// Opens or creates the file. An incomplete last line of a killed process is cut off; of a file that is damaged in the middle the whole lines are kept, and a
    /// copy is set aside. <paramref name="say"/> takes a line about it.
    /// </summary>
    public static MetricsLog Open(string path, Action<string> say)
    {
        // Unbuffered: after a write that a full disk refused, closing the file would fail again and hide the first error.
        var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete,
            bufferSize: 0);
        try
        {
            var (lines, sound, skipped) = Read(file);
            if (skipped > 0)
            {
                say($"{path}: {skipped} lines cannot be read; the others are kept, and the damaged file is {SetAside.Copy(path)}");
                var log = new MetricsLog(file, lines);
                log.Rewrite();
                return log;
            }
            if (sound < file.Length)
            {
                say($"{path}: cut off {NumberText.Count(file.Length - sound, "byte")} after step {lines.LastOrDefault()?.Step ?? 0}, torn when the run was killed");
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

    /// <summary>Writes a step unless the file has it.</summary>
    /// <returns>False if the file has the step with other figures: the replay did not produce the same bits.</returns>
    public bool Append(StepRecord line)
    {
        if (_lines.TryGetValue(line.Step, out var before)) return SameBits(before, line);
        var isLast = line.Step > LastStep;
        _lines.Add(line.Step, line);
        // A step whose line was lost goes back to its place.
        LastStep = Math.Max(LastStep, line.Step);
        if (isLast) _file.Write(Encoding.UTF8.GetBytes(StepLine.Write(line) + "\n"));
        else Rewrite();
        return true;
    }

    /// <summary>Removes the steps after <paramref name="step"/>, which another recipe will make, and returns their number.</summary>
    public int CutAfter(StepNumber step)
    {
        var cut = _lines.Keys.Where(made => made > step).ToList();
        foreach (var made in cut) _lines.Remove(made);
        LastStep = _lines.Keys.LastOrDefault();
        if (cut.Count > 0) Rewrite();
        return cut.Count;
    }

    private void Rewrite()
    {
        var text = new StringBuilder();
        foreach (var line in _lines.Values) text.Append(StepLine.Write(line)).Append('\n');
        _file.SetLength(0);
        _file.Write(Encoding.UTF8.GetBytes(text.ToString()));
    }

    public static StepRecord Record(StepNumber step, StepMetrics metrics, double seconds) =>
        new(step, metrics.Loss, metrics.LearningRate, metrics.GradientNorm, metrics.Tokens, metrics.LossTokens, seconds) { More = metrics.More };

    /// <summary>A replayed step has the same figures to the last bit; only its time may differ.</summary>
    private static bool SameBits(StepRecord one, StepRecord other) => one with { Seconds = 0 } == other with { Seconds = 0 };

    public void Dispose() => _file.Dispose();

    // A damaged line is skipped if whole ones follow; at the end it is the incomplete line of a killed process. Steps only ever rise.
    private static (List<StepRecord> Lines, long Sound, int Skipped) Read(FileStream file)
    {
        var bytes = new byte[file.Length];
        file.Position = 0;
        file.ReadExactly(bytes);
        var lines = new List<StepRecord>();
        var (begin, sound, bad, skipped) = (0, 0, 0, 0);
        while (bytes.AsSpan(begin).IndexOf((byte)'\n') is >= 0 and var length)
        {
            if (Parse(bytes.AsMemory(begin, length)) is { } line && (lines.Count == 0 || line.Step > lines[^1].Step))
            {
                lines.Add(line);
                (sound, skipped) = (begin + length + 1, bad);
            }
            else
            {
                bad++;
            }
            begin += length + 1;
        }
        return (lines, sound, skipped);
    }

    private static StepRecord? Parse(ReadOnlyMemory<byte> line)
    {
        try
        {
            return StepLine.Read(line) is { Step: > 0 } step ? step : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
