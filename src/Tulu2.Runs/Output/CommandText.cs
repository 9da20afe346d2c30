namespace Tulu2.Runs.Output;

/// <summary>A command as a person types it, so that a message can name the one that works.</summary>
internal static class CommandText
{
    // What changes how the run begins; all else belongs to the run.
    private static readonly string[] Beginnings = ["--resume", "--change"];

    public static string Of(IEnumerable<string> arguments) => string.Join(' ', arguments.Prepend("tulu2").Select(Quoted));

    /// <summary>The command that began a run, without what makes it begin one way or another.</summary>
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

    /// <summary>One word of it, in quotes where the shell would take it apart.</summary>
    public static string Quoted(string argument) =>
        argument.Length > 0 && argument.All(c => char.IsAsciiLetterOrDigit(c) || "-_./=:,+@%".Contains(c)) ? argument : $"'{argument.Replace("'", "'\\''")}'";
}
