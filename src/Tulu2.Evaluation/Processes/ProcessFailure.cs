using MessagePack;
using Tulu2.Files;
using static Tulu2.Protocol.Encoding.WireFields;

namespace Tulu2.Evaluation.Processes;

/// <summary>Why a process could not do what it was asked to, as it goes to whoever asked.</summary>
/// <param name="Detail">Error with stack trace.</param>
/// <param name="Where">Location of the error in the user's input or the model; null: neither is the cause.</param>
/// <param name="Fix">Null if and only if <paramref name="Where"/> is null.</param>
/// <param name="IsNonFinite">The cause is a NaN or infinity in the model.</param>
internal sealed record ProcessFailure(string What, string Detail, string? Where, string? Fix, bool IsNonFinite)
{
    /// <summary>Number of fields.</summary>
    public const int Fields = 5;

    public static ProcessFailure Of(Exception fault) => fault switch
    {
        BadInputException bad => new ProcessFailure(bad.What, $"{bad}", bad.Where, bad.Fix, false),
        NonFiniteException number => new ProcessFailure(number.What, $"{number}", number.Where, number.Fix, true),
        _ => new ProcessFailure(FaultText.Of(fault), $"{fault}", null, null, false),
    };

    public Exception ToException() => Where is null || Fix is null ? new EvaluatorProcessException(What, Detail)
        : IsNonFinite ? new NonFiniteException(Where, What, Fix)
        : new BadInputException(Where, What, Fix);

    public void Write(ref MessagePackWriter writer)
    {
        Text(ref writer, What);
        Text(ref writer, Detail);
        Text(ref writer, Where);
        Text(ref writer, Fix);
        writer.Write(IsNonFinite);
    }

    public static ProcessFailure Read(ref MessagePackReader reader) => new(Text(ref reader), Text(ref reader), reader.ReadString(), reader.ReadString(), reader.ReadBoolean());
}
