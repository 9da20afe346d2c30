using Tulu2.Evaluation.Requests;
using Tulu2.Serving.Served;

namespace Tulu2.Serving.Answers;

/// <summary>What all chunks of one answer have in common.</summary>
/// <param name="Created">Unix time in seconds.</param>
internal sealed record AnswerId(string Id, long Created, string Model)
{
    public static AnswerId New(string prefix, ServedModel model) => new($"{prefix}-{Guid.NewGuid():N}", DateTimeOffset.UtcNow.ToUnixTimeSeconds(), model.Name);

    public static string? NameOf(FinishReason? reason) => reason switch
    {
        null => null,
        FinishReason.Length => "length",
        _ => "stop",
    };
}
