using Tulu2.Data.Rows;
using Tulu2.Evaluation.Requests;

namespace Tulu2.Evaluation.Generation;

/// <summary>A dialogue with a model: stores the turns and streams the replies.</summary>
/// <param name="system">The system turn; null: none, as in training.</param>
public sealed class ChatSession(IChatGenerator generator, GenerationOptions options, string? system = null)
{
    private readonly List<Message> _messages = system is null ? [] : [new Message(Message.System, system)];

    public IReadOnlyList<Message> Messages => _messages;

    /// <summary>Adds the user's turn and generates the model's. If generation fails or is cancelled, the dialogue is unchanged.</summary>
    /// <param name="onText">Called with each piece of the reply as it is generated.</param>
    /// <exception cref="Files.BadInputException">The dialogue no longer fits into the context.</exception>
    public GenerationResult Reply(string user, Action<string>? onText = null, CancellationToken cancellation = default)
    {
        List<Message> asked = [.. _messages, new Message(Message.User, user)];
        var result = generator.Generate([new GenerationRequest(generator.EncodeChat(asked), options, onText)], cancellation)[0];
        _messages.Add(asked[^1]);
        _messages.Add(new Message(Message.Assistant, result.Text));
        return result;
    }

    /// <summary>Removes all turns except the system turn.</summary>
    public void Clear() => _messages.RemoveAll(message => message.Role != Message.System);
}
