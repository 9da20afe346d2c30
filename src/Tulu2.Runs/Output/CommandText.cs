namespace Tulu2.Runs.Output;

/// <summary>A command as a person types it, for messages that name the command to use.</summary>
internal static class CommandText
{
    // These options change how the run begins; the others belong to the run.
    private static readonly string[] Beginnings = ["--resume", "--change"];

    public static string Of(IEnumerable<string> arguments) => string.Join(' ', arguments.Prepend("tulu2").Select(Quoted));

    /// <summary>The command that started a run, without the options that resume or change it.</summary>
    public static IReadOnlyList<string> WithoutBeginning(IReadOnlyList<string> arguments)
    {
        var kept = new List<string>();
        for (var at = 0; at < arguments.Count; at++)
        {
            var name = arguments[at].Split('=')[0];
            if (!Beginnings.Contains(name)) kept.Add(arguments[at]);
            // `--change key=value` in two words, `--resume auto` likewise.
            else if (name == arguments[at] && at + 1 < arguments.Count && (name == "--change" || arguments[at + 1] == "auto")) at++;
        }
        return kept;
    }

    /// <summary>An argument, in quotes where the shell would split it.</summary>
    public static string Quoted(string argument) =>
        argument.Length > 0 && argument.All(c => char.IsAsciiLetterOrDigit(c) || "-_./=:,+@%".Contains(c)) ? argument : $"'{argument.Replace("'", "'\\''")}'";
}
