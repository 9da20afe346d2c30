using System.Globalization;
using Tulu2.Files;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Tulu2.Runs.Chaos;

/// <summary>Reads a fault file (docs/chaos.md): a list of rules under <c>faults</c>.</summary>
internal static class ChaosFile
{
    private static readonly string[] Keys = ["kill", "terminate", "stop", "slow", "at", "every", "during", "times", "for", "share"];

    /// <exception cref="BadInputException">It cannot be read, or a rule makes no sense; with line and key.</exception>
    public static IReadOnlyList<ChaosFault> Read(string path)
    {
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new BadInputException(path, $"cannot be read: {FaultText.Of(fault)}", "check the name of the fault file", fault);
        }
        return Parse(path, text);
    }

    /// <inheritdoc cref="Read"/>
    public static IReadOnlyList<ChaosFault> Parse(string path, string text)
    {
        var yaml = new YamlStream();
        try
        {
            yaml.Load(new StringReader(text));
        }
        catch (YamlException fault)
        {
            throw new BadInputException($"{path}:{fault.Start.Line}", $"is not YAML from column {fault.Start.Column} on", "correct the line or the one before it; docs/chaos.md has an example", fault);
        }
        var root = yaml.Documents.Count == 1 ? yaml.Documents[0].RootNode as YamlMappingNode : null;
        if (root is not { Children: [{ Key: YamlScalarNode { Value: "faults" }, Value: YamlSequenceNode list }] } || list.Children.Count == 0)
            throw new BadInputException(path, "has no list of faults", "begin it with `faults:` and a list such as `- { kill: worker, every: 5s }`");
        return [.. list.Children.Select(node => Rule(path, node))];
    }

    private static ChaosFault Rule(string path, YamlNode node)
    {
        if (node is not YamlMappingNode rule) throw Fault(node, "a fault", "is no rule", "write it as `- { kill: worker, every: 5s }`");
        var values = new Dictionary<string, YamlScalarNode>();
        foreach (var (key, value) in rule.Children)
        {
            var name = key is YamlScalarNode { Value: { } word } ? word : "";
            if (!Keys.Contains(name))
                throw Fault(key, name, "there is no such key", NearestName.Of(name, Keys) is { } near ? $"did you mean '{near}'?" : $"the keys are {string.Join(", ", Keys)}");
            values[name] = value as YamlScalarNode ?? throw Fault(value, name, "is no single value", "give one word or number");
        }
        var kinds = Enum.GetValues<ChaosKind>().Where(kind => values.ContainsKey(NameOf(kind))).ToArray();
        if (kinds is not [var done]) throw Fault(rule, "a fault", $"says {(kinds.Length == 0 ? "nothing" : "more than one thing")} that is done", "give one of kill, terminate, stop and slow, with a role");
        var role = RoleOf(values[NameOf(done)], NameOf(done));
        var lasts = done is ChaosKind.Stop or ChaosKind.Slow;
        if (lasts != values.ContainsKey("for"))
            throw Fault(rule, "for", lasts ? "is missing" : "makes no sense here", lasts ? "say how long, such as `for: 2s`" : "remove it: a process that is ended does not come back");
        if (done != ChaosKind.Slow && values.TryGetValue("share", out var unused)) throw Fault(unused, "share", "makes no sense here", "remove it: only `slow` has one");
        if (role == ChaosRole.Launcher && done != ChaosKind.Kill) throw Fault(rule, NameOf(done), "the launcher can be killed only", "use kill: launcher: told to end, or stopped, it ends or stops the run");
        if (role == ChaosRole.Coordinator && done == ChaosKind.Terminate)
            throw Fault(rule, NameOf(done), "a coordinator that is told to end ends the run", "use kill: coordinator");
        var when = When(rule, values);
        return new ChaosFault(done, role, when,
            values.TryGetValue("times", out var times) ? Whole(times, "times") : when is ChaosMoment.AtStep ? 1 : int.MaxValue,
            lasts ? Seconds(values["for"], "for") : 0,
            done != ChaosKind.Slow ? 0 : values.TryGetValue("share", out var share) ? Share(share) : 0.5);

        BadInputException Fault(YamlNode at, string key, string what, string fix) => new($"{path}:{at.Start.Line}: {key}", what, fix);

        ChaosRole RoleOf(YamlScalarNode value, string key) => Enum.TryParse<ChaosRole>(value.Value, ignoreCase: true, out var named) && !char.IsDigit(value.Value![0]) ? named
            : throw Fault(value, key, $"there is no role '{value.Value}'", "use one of worker, coordinator, node and launcher");

        ChaosMoment When(YamlNode at, IReadOnlyDictionary<string, YamlScalarNode> given)
        {
            string[] named = [.. new[] { "at", "every", "during" }.Where(given.ContainsKey)];
            if (named is not [var one]) throw Fault(at, "a fault", $"says {(named.Length == 0 ? "not when" : "more than once when")} it happens", "give one of `at: 12` (a step), `every: 5s` and `during: recovery`");
            return one switch
            {
                "at" => new ChaosMoment.AtStep(Whole(given[one], one)),
                "every" => new ChaosMoment.Every(Seconds(given[one], one)),
                _ => given[one].Value == "recovery" ? new ChaosMoment.DuringRecovery() : throw Fault(given[one], one, $"there is no '{given[one].Value}'", "use during: recovery"),
            };
        }

        int Whole(YamlScalarNode value, string key) => int.TryParse(value.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? number
            : throw Fault(value, key, $"'{value.Value}' is no whole number above 0", "use, say, 12");

        double Seconds(YamlScalarNode value, string key) =>
            double.TryParse(value.Value?.EndsWith('s') == true ? value.Value[..^1] : value.Value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number > 0 ? number
                : throw Fault(value, key, $"'{value.Value}' is no time", "use seconds, such as 2.5s");

        double Share(YamlScalarNode value) => double.TryParse(value.Value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number is > 0 and < 1 ? number
            : throw Fault(value, "share", $"'{value.Value}' is not between 0 and 1", "use, say, 0.5");
    }

    private static string NameOf(ChaosKind kind) => kind.ToString().ToLowerInvariant();
}
