using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;

namespace Tulu2.Evaluation.Judges;

/// <summary>
/// A kind of judge: a class with a parameterless constructor, found by the schemes of what stands behind <c>--judge ROLE=</c>. A new kind is a new class; nothing
/// else is edited.
/// </summary>
public interface IJudgeKind
{
    /// <summary>What its specifications begin with, up to the colon: <c>https</c>, <c>replay</c>.</summary>
    IReadOnlyList<string> Schemes { get; }

    /// <summary>How a specification looks, for messages: <c>https://HOST/v1#MODEL</c>.</summary>
    string Form { get; }

    /// <summary>Makes the judge of a role. Asks nobody yet.</summary>
    /// <exception cref="BadInputException">The specification or something that it names cannot be used.</exception>
    IRoleJudge Open(JudgeSpec spec, JudgeSettings settings);
}

/// <summary>The judge of one role. Thread-safe.</summary>
public interface IRoleJudge : IJudge
{
    /// <summary>Who it is, for tables, as far as that is known before it has answered.</summary>
    string Id { get; }

    /// <summary>What it did since the last call.</summary>
    IReadOnlyList<JudgeUse> TakeUse();
}

/// <summary>Who judges in a role, in the words of the command line.</summary>
/// <param name="Role">Name of the role.</param>
/// <param name="Text">The specification, scheme included.</param>
public sealed record JudgeSpec(string Role, string Text)
{
    public string Scheme => Text.Split(':', 2)[0];

    /// <summary>What follows the scheme's colon.</summary>
    public string Rest => Text.Split(':', 2).ElementAtOrDefault(1) ?? "";

    /// <summary>For messages.</summary>
    public string Where => $"--judge {Role}={Text}";

    /// <summary>Reads the values of <c>--judge</c>: <c>ROLE=SPECIFICATION</c>, or a specification alone for all roles.</summary>
    /// <returns>Specification by role; <see cref="AnyRole"/> for all others.</returns>
    /// <exception cref="BadInputException">A role is given twice, or a value is no specification.</exception>
    public static IReadOnlyDictionary<string, string> Read(IEnumerable<string> values)
    {
        var judges = new Dictionary<string, string>();
        foreach (var value in values)
        {
            var equals = value.IndexOf('=', StringComparison.Ordinal);
            var hasRole = equals > 0 && value[..equals].All(character => char.IsAsciiLetterOrDigit(character) || character is '_' or '-');
            var (role, text) = hasRole ? (value[..equals], value[(equals + 1)..]) : (AnyRole, value);
            JudgePanel.KindOf(new JudgeSpec(role, text));
            if (!judges.TryAdd(role, text)) throw new BadInputException($"--judge {value}", $"is a second judge for {(role == AnyRole ? "all roles" : role)}", "give each role one judge");
        }
        return judges;
    }

    /// <summary>Stands for every role that has no judge of its own.</summary>
    public const string AnyRole = "*";
}
