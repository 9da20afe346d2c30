using System.Globalization;

namespace Tulu2.Cli.Shell;

/// <summary>
/// Writes details that are of no interest at the prompt to the terminal's log file. Not thread-safe: an actor system calls it on one thread of its own.
/// </summary>
internal sealed class DetailLog(Terminal terminal)
{
    public void Add(string text)
    {
        try
        {
            File.AppendAllText(terminal.LogFile, $"{DateTimeOffset.Now.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)} {text}\n");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // For people only.
        }
    }
}
