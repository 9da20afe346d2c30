using System.Text;
using System.Text.Json;
using Tulu2.Files;
using Tulu2.Protocol.Ids;

namespace Tulu2.Runs.Events;

/// <summary>How the lines of a <see cref="StepLog{TLine}"/> are read, written and compared.</summary>
/// <param name="Read">Throws <see cref="JsonException"/> where the text is no such line.</param>
/// <param name="IsSame">The same to the last bit; only its time may differ.</param>
internal sealed record LineForm<TLine>(Func<TLine, int> StepOf, Func<ReadOnlyMemory<byte>, TLine> Read, Func<TLine, string> Write, Func<TLine, TLine, bool> IsSame);

/// <summary>
/// A file with one object per step. A resumed run replays the steps since its checkpoint; steps that are in the file are compared with it instead of written
/// again.
/// </summary>
internal sealed class StepLog<TLine> : IDisposable
    where TLine : class
{
    private readonly SortedDictionary<int, TLine> _lines = [];
    private readonly LineForm<TLine> _form;
    private readonly string _path;
    private FileStream _file;

    private StepLog(string path, FileStream file, LineForm<TLine> form, IEnumerable<TLine> lines)
    {
        (_path, _file, _form) = (path, file, form);
        foreach (var line in lines) _lines[form.StepOf(line)] = line;
        LastStep = _lines.Keys.LastOrDefault();
    }

    /// <summary>Every step written so far, in order.</summary>
    public IReadOnlyCollection<TLine> Lines => _lines.Values;

    /// <summary>The last step written; 0: none.</summary>
    public int LastStep { get; private set; }

    /// <summary>
    /// Opens or creates the file. An incomplete last line of a killed process is cut off; of a file that is damaged in the middle the whole lines are kept, and a
    /// copy is set aside. <paramref name="say"/> takes a line about it.
    /// </summary>
    public static StepLog<TLine> Open(string path, LineForm<TLine> form, Action<string> say)
    {
        var file = OpenStream(path);
        try
        {
            var (lines, sound, skipped) = Read(file, form);
            if (skipped > 0)
            {
                say($"{path}: {skipped} lines cannot be read; the others are kept, and the damaged file is {SetAside.Copy(path)}");
                var log = new StepLog<TLine>(path, file, form, lines);
                log.Rewrite();
                return log;
            }
            if (sound < file.Length)
            {
                say($"{path}: cut off {NumberText.Count(file.Length - sound, "byte")} after step {(lines is [.., var last] ? form.StepOf(last) : 0)}, torn when the run was killed");
                file.SetLength(sound);
            }
            file.Position = sound;
            return new StepLog<TLine>(path, file, form, lines);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Writes a step unless the file has it.</summary>
    /// <returns>False if the file has the step with other figures: the replay did not produce the same bits.</returns>
    public bool Append(TLine line)
    {
        var step = _form.StepOf(line);
        if (_lines.TryGetValue(step, out var before)) return _form.IsSame(before, line);
        var isLast = step > LastStep;
        _lines.Add(step, line);
        // A step whose line was lost goes back to its place.
        LastStep = Math.Max(LastStep, step);
        if (isLast) _file.Write(Encoding.UTF8.GetBytes(_form.Write(line) + "\n"));
        else Rewrite();
        return true;
    }

    /// <summary>Removes the steps after <paramref name="step"/>, which another recipe will make, and returns their number.</summary>
    public int CutAfter(StepNumber step)
    {
        var cut = _lines.Keys.Where(made => made > step).ToList();
        foreach (var made in cut) _lines.Remove(made);
        LastStep = _lines.Keys.LastOrDefault();
        if (cut.Count == 0) return 0;
        // The file has the same lines, in the order of their steps.
        var end = EndOfLine(Content(_file), _lines.Count);
        _file.SetLength(end);
        _file.Position = end;
        return cut.Count;
    }

    // Beside the file and in its place: one that is killed meanwhile leaves the old lines or the new ones.
    private void Rewrite()
    {
        var text = new StringBuilder();
        foreach (var line in _lines.Values) text.Append(_form.Write(line)).Append('\n');
        AtomicFile.WriteAllText(_path, text.ToString());
        _file.Dispose();
        _file = OpenStream(_path);
        _file.Seek(0, SeekOrigin.End);
    }

    public void Dispose() => _file.Dispose();

    // Unbuffered: after a write that a full disk refused, closing the file would fail again and hide the first error.
    private static FileStream OpenStream(string path) =>
        new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);

    private static byte[] Content(FileStream file)
    {
        var bytes = new byte[file.Length];
        file.Position = 0;
        file.ReadExactly(bytes);
        return bytes;
    }

    private static int EndOfLine(byte[] bytes, int lines)
    {
        var end = 0;
        for (var line = 0; line < lines; line++) end = Array.IndexOf(bytes, (byte)'\n', end) + 1;
        return end;
    }

    // A damaged line is skipped if whole ones follow; at the end it is the incomplete line of a killed process. Steps only ever rise.
    private static (List<TLine> Lines, long Sound, int Skipped) Read(FileStream file, LineForm<TLine> form)
    {
        var bytes = Content(file);
        var lines = new List<TLine>();
        var (begin, sound, bad, skipped) = (0, 0, 0, 0);
        while (bytes.AsSpan(begin).IndexOf((byte)'\n') is >= 0 and var length)
        {
            if (Parse(bytes.AsMemory(begin, length), form) is { } line && (lines.Count == 0 || form.StepOf(line) > form.StepOf(lines[^1])))
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

    private static TLine? Parse(ReadOnlyMemory<byte> text, LineForm<TLine> form)
    {
        try
        {
            return form.Read(text) is var line && form.StepOf(line) > 0 ? line : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
