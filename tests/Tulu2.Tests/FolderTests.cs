using System.Text.RegularExpressions;
using Xunit;

namespace Tulu2.Tests;

/// <summary>Folders are floors too: inside a project no two of them depend on each other in a circle.</summary>
public partial class FolderTests
{
    public static TheoryData<string> Projects =>
        new(Directory.GetDirectories(Path.Combine(Checkout.Root, "src"), "Tulu2.*").Select(folder => Path.GetFileName(folder)!).Order());

    [Theory]
    [MemberData(nameof(Projects))]
    public void Folders_of_a_project_do_not_depend_on_each_other_in_a_circle(string project)
    {
        var uses = Dependencies(project);
        Assert.Empty(uses.Keys.Select(folder => PathBack(uses, folder)).Where(circle => circle is not null).Select(circle => string.Join(" -> ", circle!)));
    }

    // Namespace to the namespaces of the same project that its files use.
    private static Dictionary<string, HashSet<string>> Dependencies(string project)
    {
        var files = Checkout.Sources("src", project).Select(file => Comment().Replace(File.ReadAllText(file), "")).ToList();
        var types = files.SelectMany(text => Declaration().Matches(text).Select(type => (Name: type.Groups[1].Value, Namespace: NamespaceOf(text, project)))).ToList();
        var uses = files.Select(text => NamespaceOf(text, project)).Distinct().ToDictionary(name => name, _ => new HashSet<string>());
        foreach (var text in files)
        {
            var own = NamespaceOf(text, project);
            // The build refuses a using that nothing needs, so that each one is a dependency.
            foreach (Match used in Using().Matches(text))
                if (uses.ContainsKey(used.Groups[1].Value) && used.Groups[1].Value != own) uses[own].Add(used.Groups[1].Value);
            // Types of the folders around this one need no using.
            foreach (var type in types.Where(type => own.StartsWith($"{type.Namespace}.", StringComparison.Ordinal)))
                if (Regex.IsMatch(text, $@"(?<![.\w]){type.Name}\b")) uses[own].Add(type.Namespace);
        }
        return uses;
    }

    // The program's own file has no namespace.
    private static string NamespaceOf(string text, string project) => Namespace().Match(text) is { Success: true } found ? found.Groups[1].Value : project;

    // The shortest way from a folder back to itself; null: there is none.
    private static IReadOnlyList<string>? PathBack(Dictionary<string, HashSet<string>> uses, string folder)
    {
        var paths = new Queue<IReadOnlyList<string>>([[folder]]);
        var seen = new HashSet<string>();
        while (paths.TryDequeue(out var path))
            foreach (var next in uses[path[^1]])
            {
                if (next == folder) return [.. path, next];
                if (seen.Add(next)) paths.Enqueue([.. path, next]);
            }
        return null;
    }

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Namespace();

    [GeneratedRegex(@"^using ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Using();

    [GeneratedRegex(@"//.*")]
    private static partial Regex Comment();

    [GeneratedRegex(@"^(?:public |internal )(?:\w+ )*?(?:record struct|class|struct|interface|enum|record)\s+(\w+)", RegexOptions.Multiline)]
    private static partial Regex Declaration();
}
