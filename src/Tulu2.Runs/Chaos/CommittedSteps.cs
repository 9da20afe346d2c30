using System.Text.Json;

namespace Tulu2.Runs.Chaos;

/// <summary>Follows a run's ledger: which step was committed last. Replays of steps do not count, nor does what a successor writes down of them elsewhere.</summary>
/// <param name="path">The ledger's file.</param>
internal sealed class CommittedSteps(string path)
{
    private const string Kind = "kind", Event = "event";

    private long _read;
    private string _rest = "";

    public int Last { get; private set; }

    /// <returns>A new step was committed since the last time.</returns>
    public bool Look()
    {
        var isNew = false;
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            // A damaged one was set aside.
            if (file.Length < _read) (_read, _rest) = (0, "");
            if (file.Length == _read) return false;
            file.Position = _read;
            using var reader = new StreamReader(file);
            var lines = (_rest + reader.ReadToEnd()).Split('\n');
            (_read, _rest) = (file.Position, lines[^1]);
            foreach (var line in lines[..^1])
            {
                using var entry = JsonDocument.Parse(line);
                var what = entry.RootElement.GetProperty(Event);
                switch (entry.RootElement.GetProperty(Kind).GetString())
                {
                    case "step_committed" when what.GetProperty("step").GetInt32() is var step && step > Last:
                        (Last, isNew) = (step, true);
                        break;
                    case "rolled_back":
                        Last = what.GetProperty("to").GetInt32();
                        break;
                }
            }
        }
        catch (Exception unread) when (unread is IOException or UnauthorizedAccessException or JsonException)
        {
            // Not there yet, or a line that a crash has torn.
        }
        return isNew;
    }
}
