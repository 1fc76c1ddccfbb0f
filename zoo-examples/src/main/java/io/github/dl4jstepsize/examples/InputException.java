package io.github.dl4jstepsize.examples;

/** Something that the user can put right: the message says what is wrong, where, and what to do. */
final class InputException extends RuntimeException {

    private static final long serialVersionUID = 1;

    InputException(String message) {
        super(message);
    }

    InputException(String message, Throwable cause) {
        super(message + " (" + cause.getMessage() + ")", cause);
    }
}
