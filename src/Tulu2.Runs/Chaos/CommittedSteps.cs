using System.Text.Json;

namespace Tulu2.Runs.Chaos;

/// <summary>Follows a run's <c>metrics.jsonl</c>: which step was committed last, as far as the file has it.</summary>
internal sealed class CommittedSteps(string path)
{
    private long _read;
    private string _rest = "";

    public int Last { get; private set; }

    /// <returns>A step was committed since the last time.</returns>
    public bool Look()
    {
        var before = Last;
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            // It is shorter where steps are undone.
            if (file.Length < _read) (_read, _rest) = (0, "");
            if (file.Length == _read) return false;
            file.Position = _read;
            using var reader = new StreamReader(file);
            var lines = (_rest + reader.ReadToEnd()).Split('\n');
            (_read, _rest) = (file.Position, lines[^1]);
            foreach (var line in lines[..^1])
            {
                using var step = JsonDocument.Parse(line);
                Last = step.RootElement.GetProperty("step").GetInt32();
            }
        }
        catch (Exception unread) when (unread is IOException or UnauthorizedAccessException or JsonException)
        {
            // Not there yet, or a line that is mended after a crash.
        }
        return Last != before;
    }
}
