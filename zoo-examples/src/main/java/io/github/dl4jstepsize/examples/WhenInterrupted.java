package io.github.dl4jstepsize.examples;

/** Tells somebody who interrupts a training (Ctrl-C, kill) what is left of it. */
final class WhenInterrupted {

    private WhenInterrupted() {
    }

    /** Does the work; whoever interrupts it reads the message. */
    static void say(String message, Runnable work) {
        Thread hint = new Thread(() -> System.err.printf("%nInterrupted. %s%n", message));
        Runtime.getRuntime().addShutdownHook(hint);
        try {
            work.run();
        } finally {
            Runtime.getRuntime().removeShutdownHook(hint);
        }
    }
}
