using System.Globalization;
using System.Text.Json;

namespace Tulu2.Cluster.Ledger;

/// <summary>The process that has a run, as it wrote itself down beside the lock: for the words to one that cannot have it.</summary>
/// <param name="Command">As it was typed.</param>
internal sealed record LockHolder(int Process, string Host, string Command, DateTimeOffset Since)
{
    private const string FileName = ".holder";

    /// <summary>Writes this process down. Without room on the disk nobody is named.</summary>
    public static void Write(string directory, DateTimeOffset now)
    {
        var command = string.Join(' ', Environment.GetCommandLineArgs().Skip(1).Prepend("tulu2"));
        try
        {
            File.WriteAllText(PathIn(directory), JsonSerializer.Serialize(new LockHolder(Environment.ProcessId, Environment.MachineName, command, now)));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // For people only.
        }
    }

    /// <summary>Null: it has not written itself down, or not yet.</summary>
    public static LockHolder? Read(string directory)
    {
        try
        {
            return JsonSerializer.Deserialize<LockHolder>(File.ReadAllText(PathIn(directory)));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    public static void Delete(string directory)
    {
        try
        {
            File.Delete(PathIn(directory));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The next one writes itself over it.
        }
    }

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"process {Process} on {Host}, `{Command}`, since {Since.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC");

    private static string PathIn(string directory) => Path.Combine(directory, FileName);
}
