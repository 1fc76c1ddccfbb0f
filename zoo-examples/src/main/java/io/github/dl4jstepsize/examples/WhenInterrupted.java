package io.github.dl4jstepsize.examples;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Supplier;

/** Tells somebody who interrupts a training (Ctrl-C, kill) what is left of it. */
final class WhenInterrupted {

    static final String NOTHING = "Nothing is left of this training";

    private WhenInterrupted() {
    }

    /** The message for a training that can be resumed from a file, if that is there yet. */
    static String left(Path saved, String message) {
        return Files.exists(saved) ? message + "; go on with --resume" : NOTHING;
    }

    /** Does the work; whoever interrupts it reads the message. */
    static void say(Supplier<String> message, Runnable work) {
        Thread hint = new Thread(() -> System.err.printf("%nInterrupted. %s.%n", message.get()));
        Runtime.getRuntime().addShutdownHook(hint);
        try {
            work.run();
        } finally {
            Runtime.getRuntime().removeShutdownHook(hint);
        }
    }
}
